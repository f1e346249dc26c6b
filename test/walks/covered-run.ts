import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap, type SourceMapping, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { packageDir } from '../../src/state-folder/paths.ts';
import { packageFolder, program } from '../support/programs/installed.ts';

/** The number of entries into each function, by the path of its file below src, then by its name and its place. */
export type Entered = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** The part of a file of NODE_V8_COVERAGE that is read (chromedevtools.github.io/devtools-protocol/tot/Profiler). */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly Range[];
    }[];
  }[];
}

const parts = path.join(packageFolder, 'dist', 'parts');
const limitMs = 60_000;

/** Runs a command of the installed program in a folder with a config.xml. Returns how often functions were entered. */
export type CoveredRun = (dir: string, command: string) => Promise<Entered>;

/** Returns the path below src of the file from which a function of a part comes; undefined for one of the bundler's. */
type OriginOf = (range: Range) => string | undefined;

/** Bundles the program once more, for its source maps, which the package does not have, into this empty folder. */
export function coveredRuns(maps: string): CoveredRun {
  execFileSync(process.execPath, ['--import', 'tsx', path.join(packageDir, 'build', 'bundle.mjs'), maps]);
  const origins = new Map<string, OriginOf>();
  const originsOf = (part: string): OriginOf => {
    const known = origins.get(part) ?? originsIn(maps, part);
    origins.set(part, known);
    return known;
  };
  return async (dir, command) => enteredIn(await coveragesOf(dir, command), originsOf);
}

async function coveragesOf(dir: string, command: string): Promise<readonly Coverage[]> {
  const coverage = mkdtempSync(path.join(dir, 'coverage-'));
  const child = spawn(process.execPath, [program, '-q', '-c', path.join(dir, 'config.xml'), command], {
    cwd: dir,
    // Functions of a compile cache are counted less exactly.
    env: { PATH: process.env['PATH'], HOME: dir, NODE_V8_COVERAGE: coverage, NODE_DISABLE_COMPILE_CACHE: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limitMs,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}: ${said}`);
  const files = readdirSync(coverage).map((name) => readFileSync(path.join(coverage, name), 'utf8'));
  rmSync(coverage, { recursive: true });
  return files.map((text) => JSON.parse(text) as Coverage);
}

interface Place {
  readonly row: number;
  readonly column: number;
}

/** Reads the source map of a part. Packages have none. Its text is that before build/ascii.mjs escapes characters. */
function originsIn(maps: string, part: string): OriginOf {
  const file = path.join(maps, `${part}.map`);
  if (!existsSync(file)) return () => undefined;
  const map = new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload);
  const places: Place[] = [];
  for (const [row, line] of readFileSync(path.join(maps, part), 'utf8').split('\n').entries()) {
    for (let column = 0; column <= line.length; column += 1) {
      const length = line.charCodeAt(column) > 0x7f ? 6 : 1;
      for (let nth = 0; nth < length; nth += 1) places.push({ row, column });
    }
  }
  const installed = readFileSync(path.join(parts, part), 'latin1');
  if (places.length !== installed.length + 1) throw new Error(`${part} is not that of today's sources: npm run build`);
  return ({ startOffset, endOffset }) => {
    const [start, end] = [places[startOffset], places[endOffset - 1]];
    const mark = end === undefined ? {} : map.findEntry(end.row, end.column);
    // The bundler's own functions, as the getters of exports, have no mark in them.
    if (start === undefined || !isMark(mark) || isBefore(mark, start)) return undefined;
    return /^\.\.\/src\/(.+)$/.exec(mark.originalSource)?.[1];
  };
}

/** True if the mark names a source: that of code which the bundler wrote has none. */
function isMark(mark: object): mark is SourceMapping {
  return 'originalSource' in mark && typeof mark.originalSource === 'string';
}

function isBefore({ generatedLine, generatedColumn }: SourceMapping, { row, column }: Place): boolean {
  return generatedLine < row || (generatedLine === row && generatedColumn < column);
}

function enteredIn(coverages: readonly Coverage[], originsOf: (part: string) => OriginOf): Entered {
  const entered = new Map<string, Map<string, number>>();
  for (const { url, functions } of coverages.flatMap(({ result }) => result)) {
    if (!url.startsWith('file://')) continue;
    const file = fileURLToPath(url);
    if (path.dirname(file) !== parts) continue;
    const originOf = originsOf(path.basename(file));
    // The first one is the part itself.
    for (const { functionName, ranges } of functions.slice(1)) {
      const [range] = ranges;
      const source = range === undefined ? undefined : originOf(range);
      if (range === undefined || source === undefined || functionName === '<static_initializer>') continue;
      const counts = entered.get(source) ?? new Map<string, number>();
      entered.set(source, counts);
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
