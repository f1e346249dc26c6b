import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { packageDir } from '../../src/state-folder/paths.ts';

/** The number of entries into each function: by the path of its file below src, then by its name and place. */
export type Entered = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** The part of a file of NODE_V8_COVERAGE that is read: https://chromedevtools.github.io/devtools-protocol/tot/Profiler */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
    }[];
  }[];
}

const source = path.join(packageDir, 'src');
const limitMs = 60_000;

/** Runs the program from its sources in a folder with a config.xml. Returns how often each function was entered. */
export async function coveredRun(dir: string, command: string): Promise<Entered> {
  const coverage = mkdtempSync(path.join(dir, 'coverage-'));
  const start = ['--import', 'tsx', path.join(source, 'fleet-health.cts'), '-q', '-c', path.join(dir, 'config.xml')];
  const child = spawn(process.execPath, [...start, command], {
    cwd: packageDir,
    env: { PATH: process.env['PATH'], HOME: dir, NODE_V8_COVERAGE: coverage },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limitMs,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${said}`);
  const files = readdirSync(coverage).map((name) => readFileSync(path.join(coverage, name), 'utf8'));
  rmSync(coverage, { recursive: true });
  return enteredIn(files.map((text) => JSON.parse(text) as Coverage));
}

function enteredIn(coverages: readonly Coverage[]): Entered {
  const entered = new Map<string, Map<string, number>>();
  for (const { url, functions } of coverages.flatMap(({ result }) => result)) {
    if (!url.startsWith('file://')) continue;
    const file = path.relative(source, fileURLToPath(url.replace(/\?.*$/, '')));
    if (file.startsWith('..')) continue;
    const counts = entered.get(file) ?? new Map<string, number>();
    entered.set(file, counts);
    // The first one is the module itself. `__name` is esbuild's, and static fields are of the module.
    for (const { functionName, ranges } of functions.slice(1)) {
      const [range] = ranges;
      if (range === undefined || ['__name', '<static_initializer>'].includes(functionName)) continue;
      const key = `${functionName} ${range.startOffset}`;
      counts.set(key, (counts.get(key) ?? 0) + range.count);
    }
  }
  return entered;
}

/** Returns the files with a function that each of these runs entered more often than each of the others. */
export function enteredMore(runs: readonly Entered[], others: readonly Entered[]): readonly string[] {
  const [first] = runs;
  return [...(first ?? [])].flatMap(([file, counts]) => {
    const isMore = (key: string): boolean =>
      Math.min(...runs.map((run) => countOf(run, file, key))) >
      Math.max(...others.map((run) => countOf(run, file, key)));
    return [...counts.keys()].some(isMore) ? [file] : [];
  });
}

function countOf(run: Entered, file: string, key: string): number {
  return run.get(file)?.get(key) ?? 0;
}
