import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { abortedError } from '../connection/aborted.ts';
import { opensshEnvironment, targetArguments, type OpensshTarget } from './openssh-arguments.ts';

/** The settings of a host by `ssh -G`, from all ssh_config files. */
export interface OpensshFacts {
  readonly hostName: string;
  readonly port: number;
  readonly username: string;
  readonly knownHosts: readonly string[];
}

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
    const why = errnoOf(thrown) === 'ENOENT' ? 'there is none in PATH' : messageOf(thrown);
    throw refuse(`transport="openssh" needs the program ssh: ${why}`, thrown);
  }
}

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs `ssh -G` for a host. Throws FleetError `config-invalid` with ssh's message, or `connect-timeout`. */
export async function askOpenssh(target: OpensshTarget, { timeoutMs, signal }: AskOptions): Promise<OpensshFacts> {
  const { client } = target;
  const limits = { timeout: timeoutMs, signal, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes } as const;
  let printed: string;
  try {
    const { stdout } = await run('ssh', ['-G', ...targetArguments(target)], {
      ...limits,
      env: opensshEnvironment(target),
    });
    printed = stdout;
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    if (signal.aborted) throw abortedError(signal, 'resolve', client);
    const late = thrown instanceof Error && 'killed' in thrown && thrown.killed === true;
    const said = thrown instanceof Error && 'stderr' in thrown ? messageOf(thrown.stderr).slice(-300) : '';
    const message = late ? `ssh -G did not end within ${timeoutMs} ms` : `ssh_config: ${said || messageOf(thrown)}`;
    throw new FleetError({ client, code: late ? 'connect-timeout' : 'config-invalid', stage: 'resolve', message });
  }
  const values = new Map(
    printed.split('\n').map((line) => {
      const at = line.indexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  return {
    // The name under which known_hosts holds the host.
    hostName: values.get('hostkeyalias') ?? values.get('hostname') ?? target.host,
    port: Number(values.get('port') ?? 22),
    username: values.get('user') ?? '',
    knownHosts: (values.get('userknownhostsfile') ?? '').split(' ').filter((file) => file !== ''),
  };
}
