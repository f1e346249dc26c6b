/**
 * A machine for the commands of a page: this machine's programs under an overlay in memory, with accounts, services,
 * addresses and processes of its own, which end with it. systemd is its first process, if the page needs it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { packageDir } from '../../src/state-folder/paths.ts';
import { atExit } from '../support/at-exit.ts';
import { until } from '../support/until.ts';

export interface MachineOptions {
  /** The first process. */
  readonly init: 'systemd' | 'none';
  /** The names that the machine resolves, with their addresses, which are its own. */
  readonly hosts: Readonly<Record<string, string>>;
}

export interface Ran {
  readonly status: number | null;
  /** Standard output and standard error in the order of writing. */
  readonly output: string;
}

export type Answer = readonly [prompt: string, line: string];

export interface RunOptions {
  /** Default: root. */
  readonly account?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The lines that are typed, each when its prompt stands on the terminal, which the command then has. */
  readonly typed?: readonly Answer[];
  /** Default: 400 s. */
  readonly limitMs?: number;
}

export interface DocumentMachine {
  /** The folder of the machine's root, as this machine sees it. */
  readonly root: string;
  /** Runs a command by bash, in the folder where the account's command before it ended. */
  run(command: string, options?: RunOptions): Promise<Ran>;
  /** Runs a command of the setting, and throws if it fails. */
  prepare(command: string): Promise<string>;
  /** Starts a program that the machine shares its network with. It ends with the machine. */
  startBeside(command: string, ...args: readonly string[]): void;
}

/** Returns the reason that no machine can be made here; false if one can. With CI set, the reason is an error. */
export function noMachine(): string | false {
  const reason = process.getuid?.() === 0 ? false : 'needs root, for namespaces';
  if (reason !== false && process.env['CI']) throw new Error(reason);
  return reason;
}

export async function startDocumentMachine(t: TestContext, options: MachineOptions): Promise<DocumentMachine> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-machine-'));
  const script = path.join(import.meta.dirname, 'document-machine.sh');
  const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--cgroup', '--fork', '--kill-child'];
  const args = [...namespaces, 'sh', script, dir, packageDir, options.init, ...new Set(Object.values(options.hosts))];
  const child = spawn('unshare', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const beside: { kill(signal: 'SIGKILL'): unknown }[] = [];
  const stop = (): void => {
    for (const one of [...beside, child]) one.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const forget = atExit(stop);
  t.after(() => {
    forget();
    stop();
  });
  let first: number | null = null;
  await until(() => (first ??= firstProcessOf(child.pid ?? 0)) !== null, 'the machine did not start');
  const machine: DocumentMachine = {
    root: `/proc/${first}/root`,
    run: async (command, { account = 'root', env = {}, typed, limitMs = 400_000 } = {}) => {
      const place = `/tmp/folder-${account}`;
      const whole = `cd "$(cat ${place} 2>/dev/null || echo ~)" || exit; ${command}\nstatus=$?; pwd >${place}; exit $status`;
      const variables = {
        ...{ HOME: account === 'root' ? '/root' : `/home/${account}`, USER: account, LOGNAME: account },
        ...{ SHELL: '/bin/bash', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
        ...env,
      };
      const shell = typed === undefined ? ['bash', '-c', whole] : ['script', '-qec', whole, '/dev/null'];
      const args = [
        ...['-t', String(first), '-a', '-r', 'setpriv', `--reuid=${account}`, `--regid=${account}`, '--init-groups'],
        ...[
          'env',
          '--chdir=/',
          '-i',
          ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
          ...shell,
        ],
      ];
      return runProgram('nsenter', args, { typed: typed ?? [], limitMs });
    },
    prepare: async (command) => {
      const { status, output } = await machine.run(`set -e; ${command}`);
      assert.equal(status, 0, `${command}: ${output}`);
      return output;
    },
    startBeside: (command, ...more) => {
      beside.push(
        spawn('nsenter', ['-t', String(first), '-n', command, ...more], { stdio: ['ignore', 'ignore', 'inherit'] }),
      );
    },
  };
  const lines = Object.entries(options.hosts).map(([name, address]) => `${address} ${name}\n`);
  writeFileSync(path.join(machine.root, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 collector\n${lines.join('')}`);
  if (options.init === 'systemd') {
    await machine.prepare('until systemctl is-system-running; do sleep 0.1; done');
  }
  return machine;
}

async function runProgram(
  program: string,
  args: readonly string[],
  { typed, limitMs }: { readonly typed: readonly Answer[]; readonly limitMs: number },
): Promise<Ran> {
  const child = spawn(program, args, { cwd: '/', stdio: 'pipe', timeout: limitMs, killSignal: 'SIGKILL' });
  const open = [...typed];
  let output = '';
  let answered = 0;
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    for (let next = open[0]; next !== undefined && output.includes(next[0], answered); next = open[0]) {
      answered = output.length;
      child.stdin.write(`${next[1]}\n`);
      open.shift();
    }
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', take);
  if (open.length === 0) child.stdin.end();
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output: output.replaceAll('\r\n', '\n') };
}

/** Returns the first process of a machine, if it has entered its root; null before. */
function firstProcessOf(parent: number): number | null {
  const children = `/proc/${parent}/task/${parent}/children`;
  const pid = existsSync(children) ? Number(readFileSync(children, 'utf8').trim()) : 0;
  if (pid === 0) return null;
  const started = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  return started === 'sleep' || started === 'systemd' ? pid : null;
}
