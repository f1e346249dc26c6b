/** The costs of child processes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { packageDir } from '../src/state-folder/paths.ts';

/** The installed command. */
export { program } from '../test/support/programs/installed.ts';

/** The resolution of CPU time in /proc, 10 ms: smaller costs need many starts in a row. */
const millisecondsPerTick = 10;

export interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** Returns the CPU time of all ended children: cutime and cstime of proc_pid_stat(5). */
export function childrenCpuMs(): number {
  return ticksOf('self', [13, 14]) * millisecondsPerTick;
}

/** Returns the CPU time of a process and of all its ended children. */
export function cpuMsWithChildren(pid: number): number {
  return ticksOf(String(pid), [11, 12, 13, 14]) * millisecondsPerTick;
}

/** Returns the sum of these fields of proc_pid_stat(5), which are counted from the one behind the name. */
function ticksOf(pid: string, fields: readonly number[]): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, at) => sum + Number(values[at]), 0);
}

/** Returns the mean cost of several starts in a row. */
export function costOf(start: () => void, starts = 1): Cost {
  const before = { cpuMs: childrenCpuMs(), wallMs: performance.now() };
  for (let time = 0; time < starts; time += 1) start();
  return {
    cpuMs: (childrenCpuMs() - before.cpuMs) / starts,
    wallMs: (performance.now() - before.wallMs) / starts,
  };
}

/** Runs a program to its end. Throws if its exit status is not in `allowed`. */
export function run(file: string, args: readonly string[], allowed: readonly number[] = [0]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error !== undefined) throw error;
  if (status === null || !allowed.includes(status)) {
    throw new Error(`${file} ended with ${String(status)}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
  }
  return stdout;
}

/** Runs a part of a benchmark in a new process, and returns its output: a line of JSON. */
export function inFreshProcess(file: string, input: unknown, prefix: readonly string[] = []): unknown {
  const script = path.join(packageDir, 'bench', file);
  const command = [...prefix, process.execPath, '--import', 'tsx', script, JSON.stringify(input)];
  const [first = '', ...args] = command;
  const { status, stdout } = spawnSync(first, args, {
    cwd: packageDir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${file} ended with ${String(status)}`);
  return JSON.parse(stdout) as unknown;
}

export interface WatchedRun {
  readonly wallS: number;
  /** The peak of resident memory: VmHWM of proc_pid_status(5). */
  readonly peakMegabytes: number;
  /** The most open files and sockets at a time. */
  readonly maxOpen: number;
  readonly stdout: string;
}

/** Runs a program and samples its /proc entry, which disappears at its end. */
export async function watchRun(args: readonly string[], allowed: readonly number[] = [0]): Promise<WatchedRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  let [peakMegabytes, maxOpen] = [0, 0];
  const look = (): void => {
    peakMegabytes = Math.max(peakMegabytes, residentMegabytes(child.pid));
    maxOpen = Math.max(maxOpen, openFiles(child.pid));
  };
  // Also samples at the start and at each output, so that a program that ends within a tenth of a second is seen.
  look();
  child.stdout.on('data', look);
  const timer = setInterval(look, 100);
  const [status] = (await once(child, 'close')) as [number | null];
  clearInterval(timer);
  if (status === null || !allowed.includes(status)) throw new Error(`it ended with ${String(status)}: ${stderr}`);
  return { wallS: (performance.now() - startedAt) / 1000, peakMegabytes, maxOpen, stdout };
}

/** Returns the peak of a process's resident memory, in MB; 0 if the process has ended. */
export function residentMegabytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

function openFiles(pid: number | undefined): number {
  try {
    return readdirSync(`/proc/${pid ?? 0}/fd`).length;
  } catch {
    return 0;
  }
}

/** Runs the work with a temporary folder, and removes the folder. */
export async function inTemporaryFolder<T>(work: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-bench-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
