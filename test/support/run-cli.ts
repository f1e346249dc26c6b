import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { packageDir } from '../../src/state/paths.ts';
import { tempFolder } from './temp-folder.ts';

/** The built program, as `npm install -g` puts it into PATH. */
export const program = path.join(packageDir, 'dist', 'fleet-health.cjs');
/** The second program, as above. */
export const agentProgram = path.join(packageDir, 'dist', 'fleet-health-agent.cjs');

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** The path of the program. Default: the first program. */
  readonly program?: string;
  readonly cwd?: string;
  /** Variables in addition to PATH, which is the only one otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** The Node that runs the program. Default: this one. */
  readonly node?: string;
  /** Standard input. Default: empty. */
  readonly stdin?: 'pipe';
  readonly nodeArgs?: readonly string[];
  /** The uid of another account; only for root. */
  readonly uid?: number;
  /** A command that runs the program, such as unshare(1) with its options. */
  readonly within?: readonly string[];
}

/** The umask that the program runs under, for `npm run test:awkward`. */
const underUmask = process.env['FLEET_HEALTH_TEST_UMASK'];
const umask = underUmask === undefined ? [] : ['/bin/sh', '-c', `umask ${underUmask} && exec "$@"`, 'sh'];

/** Starts the program in an environment as empty as cron's. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const node = options.node ?? process.execPath;
  const words = [...umask, ...(options.within ?? []), node, ...(options.nodeArgs ?? [])];
  words.push(options.program ?? program, ...args);
  const [command = '', ...rest] = words;
  return spawn(command, rest, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
}

/** Waits for a program to end. Returns its outcome. */
export async function outcomeOf(child: ChildProcess): Promise<CliResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await outcomeOf(startCli(args, options));
}

/** Makes a folder with a config.xml (mode 0600) of this content. Removes it after the test. Returns the folder. */
export function configFolder(t: TestContext, content: string): string {
  const dir = tempFolder(t);
  writeFileSync(path.join(dir, 'config.xml'), content, { mode: 0o600 });
  return dir;
}

/** Asserts that a program succeeded and wrote nothing to standard error. Returns its standard output. */
export async function succeeded(run: Promise<CliResult>): Promise<string> {
  const { status, stdout, stderr } = await run;
  assert.deepEqual([status, stderr], [0, ''], stdout);
  return stdout;
}

/** Asserts a program's exit status, and its output on standard error or standard output. Returns both. */
export async function exits(
  status: number,
  run: Promise<Omit<CliResult, 'stdout'> & Partial<CliResult>>,
  says: RegExp | { readonly stdout: RegExp },
): Promise<Pick<CliResult, 'stdout' | 'stderr'>> {
  const { stdout = '', stderr, status: own } = await run;
  assert.equal(own, status, stdout + stderr);
  if (says instanceof RegExp) assert.match(stderr, says);
  else assert.match(stdout, says.stdout);
  return { stdout, stderr };
}
