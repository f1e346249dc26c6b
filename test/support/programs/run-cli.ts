import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn, type ChildProcess } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';

import { createCommandLine } from '../../../src/cli/command/run-program.ts';
import { createProgram } from '../../../src/cli.ts';
import { breakVariable, reachedVariable } from '../../mutation/break-sources.ts';
import { agentProgram, program } from './installed.ts';
import './pack-once.ts';
import { tempFolder, type Scope } from '../temp-folder.ts';
import { until } from '../until.ts';

export { agentProgram, program };

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

const cronPath = `${path.dirname(process.execPath)}:/usr/bin:/bin`;

/** Starts the program in an environment as empty as cron's. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const node = options.node ?? process.execPath;
  const words = [...umask, ...(options.within ?? []), node, ...(options.nodeArgs ?? [])];
  words.push(options.program ?? program, ...args);
  const [command = '', ...rest] = words;
  return spawn(command, rest, {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: cronPath, ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
}

/** A program that runs until the test ends. */
export interface Resident {
  readonly child: ChildProcess;
  /** Returns all that the program has written so far. */
  readonly said: () => string;
}

/** Starts the second program until the test ends. Returns once it has written a word; without a word, at once. */
export async function startAgentProgram(t: Scope, args: readonly string[], word = ''): Promise<Resident> {
  const child = startCli(args, { program: agentProgram });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (text += String(bytes)));
  const said = (): string => text;
  await until(() => text.includes(word) || child.exitCode !== null, said, 60_000);
  return { child, said };
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

/** Runs the installed program as a process of its own. */
export async function runBuilt(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await outcomeOf(startCli(args, options));
}

/** The run in this process that is the last to begin: the environment and the folder of a process are its own. */
let lastRun: Promise<unknown> = Promise.resolve();

/** Variables that count at the start of a process only. */
const startVariables = /^(?:LD_|NODE_|UV_|TZ$)/;

/**
 * Runs a command line of the first program in this process, one after the other, in an environment as empty as cron's.
 * Runs the installed program instead if an option concerns the process. `runBuilt` is for commands that read standard
 * input, for runs at the same time, and where the process itself is the subject.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd = tmpdir(), env = {}, ...ofProcess } = options;
  const isOwn = Object.keys(ofProcess).length > 0 || Object.keys(env).some((name) => startVariables.test(name));
  if (isOwn || underUmask !== undefined) return await runBuilt(args, options);
  const run = lastRun.then(() => runHere(args, cwd, env));
  lastRun = run.catch(() => undefined);
  return await run;
}

/** The commands that `runFirstBuilt` has run. */
const ranBuilt = new Set<string>();

/**
 * Runs a command line by the installed program the first time that a file runs its command, and in this process from
 * then on: a process costs ten times as much.
 */
export async function runFirstBuilt(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const command = args.find((word) => /^[a-z][a-z-]*$/.test(word)) ?? '';
  if (ranBuilt.has(command)) return await runCli(args, options);
  ranBuilt.add(command);
  return await runBuilt(args, options);
}

interface Written {
  stdout: string;
  stderr: string;
}

/** The output of the run in this process to which the current call belongs. */
const written = new AsyncLocalStorage<Written>();

/** Takes what belongs to a run out of the streams of the process. Returns a function that gives them back. */
function catchStreams(): () => void {
  const caught = (['stdout', 'stderr'] as const).map((name) => {
    const { [name]: stream } = process;
    // oxlint-disable-next-line typescript/unbound-method -- It is put back as it was, and called with its `this`.
    const inherited = stream.write;
    const write = inherited.bind(stream) as (...given: readonly unknown[]) => boolean;
    // A few commands, and the help, write to the streams of the process.
    stream.write = (...given: readonly unknown[]): boolean => {
      const own = written.getStore();
      if (own === undefined) return write(...given);
      own[name] += String(given[0]);
      const done = given.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
    return () => void (stream.write = inherited);
  });
  return () => {
    for (const giveBack of caught) giveBack();
  };
}

async function runHere(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<CliResult> {
  const before = { cwd: process.cwd(), env: { ...process.env }, script: process.argv[1] ?? '' };
  process.chdir(cwd);
  setEnvironment({ ...ofMutation(before.env), PATH: cronPath, ...env });
  process.argv[1] = program;
  const own: Written = { stdout: '', stderr: '' };
  const [stdout, stderr] = [streamTo(own, 'stdout'), streamTo(own, 'stderr')];
  const { signal } = new AbortController();
  // Every visited client listens to it, as in a process of its own.
  setMaxListeners(0, signal);
  const begin = (): AbortSignal => signal;
  const giveBack = catchStreams();
  try {
    const line = createCommandLine(args, createProgram, { stdout, stderr, begin });
    const status = await written.run(own, () => line.run());
    return { status, ...own };
  } finally {
    giveBack();
    process.chdir(before.cwd);
    setEnvironment(before.env);
    process.argv[1] = before.script;
  }
}

/** Returns a stream that is no terminal. */
function streamTo(own: Written, name: keyof Written): NodeJS.WriteStream {
  const write = (text: string, _encoding: string, done: () => void): void => {
    own[name] += text;
    done();
  };
  const stream: unknown = new Writable({ decodeStrings: false, write });
  return stream as NodeJS.WriteStream;
}

/** Returns the variables by which the mutation gate reaches code in this process. */
function ofMutation(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => [breakVariable, reachedVariable].includes(name)));
}

/** Changes the variables one by one: a new object in the place of process.env would be unknown to libuv and libc. */
function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, env);
}

/** Makes a folder with a config.xml (mode 0600) of this content. Removes it after the test. Returns the folder. */
export function configFolder(t: Scope, content: string): string {
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
