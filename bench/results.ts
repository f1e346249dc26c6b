import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../src/state-folder/paths.ts';
import { benchmarks } from './benchmarks.ts';
import type { Figure, Series } from './figure.ts';
import type { Machine } from './machine.ts';

/** A run of a benchmark, in the format of all JSON files. */
export interface BenchRecord {
  readonly benchmark: string;
  /** True for a run that is too small for meaningful figures. */
  readonly quick: boolean;
  /** The start of the run, ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly figures: readonly Figure[];
  readonly series: readonly Series[];
}

const folder = path.join(packageDir, 'bench', 'results');
const fileOf = (benchmark: string): string => path.join(folder, `${benchmark}.json`);

/** Writes a run to bench/results/, in place of the benchmark's previous one. */
export function keepRecord(record: BenchRecord): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(record.benchmark), `${JSON.stringify(record, null, 2)}\n`);
}

/** The file of the published runs, from which docs/performance.md is made. */
export const published = path.join(packageDir, 'docs', 'performance.json');

/** Returns the newest run of each benchmark in their order: a run of this machine, otherwise the published one. */
export function newestRecords(): readonly BenchRecord[] {
  const before = existsSync(published) ? (read(published) as readonly BenchRecord[]) : [];
  return benchmarks.flatMap(({ name }) => {
    const file = fileOf(name);
    if (existsSync(file)) return [read(file) as BenchRecord];
    return before.filter(({ benchmark }) => benchmark === name);
  });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
