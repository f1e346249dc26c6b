import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { opensshEnvironment, targetArguments, type OpensshTarget } from './openssh-arguments.ts';
import { startFault, withoutQuotation, type OpensshQuestion } from './openssh-fault.ts';
import type { ConnectOptions } from '../transport.ts';

const run = promisify(execFile);
const maxOutputBytes = 256 * 1024;
const versionTimeoutMs = 10_000;

let version: Promise<number> | null = null;

/**
 * Returns the version of the installed ssh, major times 100 plus minor. Runs `ssh -V` once. Throws FleetError
 * `unsupported`.
 */
export async function opensshVersion(client: string): Promise<number> {
  version ??= askVersion(client);
  try {
    return await version;
  } catch (thrown) {
    version = null;
    throw thrown;
  }
}

async function askVersion(client: string): Promise<number> {
  const refuse = (message: string, cause?: unknown): FleetError =>
    new FleetError({ client, code: 'unsupported', stage: 'connect', message, advice, cause });
  const advice = 'Install the OpenSSH client (Debian, Ubuntu: openssh-client), or use transport="ssh2".';
  try {
    const { stderr } = await run('ssh', ['-V'], {
      timeout: versionTimeoutMs,
      killSignal: 'SIGKILL',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C' },
    });
    const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
    if (major === undefined) throw refuse(`ssh in PATH is not OpenSSH's: ${messageOf(stderr).slice(0, 100)}`);
    return Number(major) * 100 + Number(minor);
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    if (isOfStart(thrown)) throw startFault(client, thrown);
    throw refuse(`transport="openssh" needs the program ssh: ${messageOf(thrown)}`, thrown);
  }
}

/**
 * Returns the names for messages and the known_hosts files. Runs `ssh -G` if ssh_config applies: then throws FleetError
 * `config-invalid` with ssh's message, or `connect-timeout`.
 */
export async function questionOf(
  target: OpensshTarget,
  { tcpTimeoutMs, connectTimeoutMs, signal }: ConnectOptions,
): Promise<OpensshQuestion> {
  const { client, knownHosts } = target;
  if (target.config === 'none') {
    const address = target.hostKeyAlias ?? target.hostName ?? target.host;
    return {
      client,
      address,
      port: target.port ?? 22,
      username: target.username ?? '',
      knownHosts: [knownHosts],
      agent: target.agent,
      jumps: false,
    };
  }
  const settings = await settingsOf(target, Math.min(tcpTimeoutMs, connectTimeoutMs), signal);
  // Beside other files, ssh rejects `none`.
  const files = (settings.get('userknownhostsfile') ?? '').split(' ').filter((file) => file !== '' && file !== 'none');
  return {
    client,
    // The name under which known_hosts holds the host.
    address: settings.get('hostkeyalias')?.replace(/^\[(.+)\]:\d+$/, '$1') ?? settings.get('hostname') ?? target.host,
    port: Number(settings.get('port') ?? 22),
    username: settings.get('user') ?? '',
    knownHosts: [knownHosts, ...files],
    agent: target.agent,
    jumps: settings.has('proxyjump'),
  };
}

/** Returns the settings of a host by `ssh -G`, from all ssh_config files. */
async function settingsOf(
  target: OpensshTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { client } = target;
  const limits = { timeout: timeoutMs, signal, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes } as const;
  try {
    const env = opensshEnvironment(target);
    const { stdout } = await run('ssh', ['-G', ...targetArguments(target)], { ...limits, env });
    return new Map(
      stdout.split('\n').map((line) => {
        const at = line.indexOf(' ');
        return [line.slice(0, at), line.slice(at + 1)] as const;
      }),
    );
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    if (signal.aborted) throw abortedError(signal, 'resolve', client);
    if (isOfStart(thrown)) throw startFault(client, thrown);
    const late = thrown instanceof Error && 'killed' in thrown && thrown.killed === true;
    const stderr = thrown instanceof Error && 'stderr' in thrown ? messageOf(thrown.stderr) : '';
    const answer = stderr
      .split('\n')
      .map((line) => withoutQuotation(line))
      .join('\n')
      .slice(-300);
    const message = late ? `ssh -G did not end within ${timeoutMs} ms` : `ssh_config: ${answer || messageOf(thrown)}`;
    throw new FleetError({ client, code: late ? 'connect-timeout' : 'config-invalid', stage: 'resolve', message });
  }
}

/** True if a program was not started. */
function isOfStart(thrown: unknown): boolean {
  return errnoOf(thrown) !== null && thrown instanceof Error && /^spawn/.test(String(Reflect.get(thrown, 'syscall')));
}
