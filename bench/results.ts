import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../src/state/paths.ts';
import { benchmarks } from './benchmarks.ts';
import type { Figure, Series } from './figure.ts';
import type { Machine } from './machine.ts';

/** One run of one benchmark: the one form of all that is written as JSON. */
export interface BenchRecord {
  readonly benchmark: string;
  /** Too small for its figures to mean anything. */
  readonly quick: boolean;
  /** When it began, ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly figures: readonly Figure[];
  readonly series: readonly Series[];
}

const folder = path.join(packageDir, 'bench', 'results');
const fileOf = (benchmark: string): string => path.join(folder, `${benchmark}.json`);

/** Keeps the newest run of each benchmark in bench/results/. */
export function keepRecord(record: BenchRecord): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(record.benchmark), `${JSON.stringify(record, null, 2)}\n`);
}

/** What docs/performance.md is made of. */
export const published = path.join(packageDir, 'docs', 'performance.json');

/** The newest run of each benchmark, in their order: of this machine, or what was published before. */
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
