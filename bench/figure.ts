import { fitPower, ratioOf, spreadOf } from './statistics.ts';
import type { Point, PowerFit, Spread } from './statistics.ts';

export type Unit = 'ms' | 's' | 'us' | 'MB' | 'KB' | 'per s' | 'bytes' | 'times';

/** Of the ratio, or of our own figure where only that is asked for. */
export interface Target {
  readonly of: 'ratio' | 'ours';
  readonly limit: number;
  readonly is: 'at most' | 'at least';
}

/** What is measured, before it is. */
export interface Row {
  /** Stays: docs/performance.md and docs/performance.json know the figure by it. */
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  /** What runs beside ours; null where there is nothing to compare with. */
  readonly peer: string | null;
  /** null: for information. */
  readonly target: Target | null;
}

export interface Figure extends Row {
  readonly ours: Spread | null;
  readonly peerFigures: Spread | null;
  readonly ratio: Spread | null;
  /** null without a target, or where nothing was measured. */
  readonly isMet: boolean | null;
  /** Why there are no figures. */
  readonly notMeasured: string | null;
}

/** How a figure grows with the number of clients. */
export interface Series {
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  readonly points: readonly Point[];
  readonly fit: PowerFit | null;
}

export interface BenchResult {
  readonly figures: readonly Figure[];
  readonly series: readonly Series[];
}

export interface BenchOptions {
  /** So small that it takes seconds: shows that the benchmark works; its figures mean nothing. */
  readonly quick: boolean;
  /** Tells how it goes on. */
  readonly say: (line: string) => void;
}

export type Benchmark = (options: BenchOptions) => Promise<BenchResult>;

export const ratioAtMost = (limit: number): Target => ({ of: 'ratio', limit, is: 'at most' });
export const ratioAtLeast = (limit: number): Target => ({ of: 'ratio', limit, is: 'at least' });
export const atMost = (limit: number): Target => ({ of: 'ours', limit, is: 'at most' });

/** The samples of a row; those of the peer in the order of the same rounds. */
export function measured(row: Row, ours: readonly number[], peer: readonly number[] | null = null): Figure {
  const ratio = peer === null ? null : ratioOf(ours, peer);
  const own = spreadOf(ours);
  const { target } = row;
  const judged = target?.of === 'ratio' ? ratio?.median : own.median;
  const isMet =
    target === null || judged === undefined
      ? null
      : target.is === 'at most'
        ? judged <= target.limit
        : judged >= target.limit;
  return { ...row, ours: own, peerFigures: peer === null ? null : spreadOf(peer), ratio, isMet, notMeasured: null };
}

/** For a row that cannot be measured here. */
export function notMeasured(row: Row, why: string): Figure {
  return { ...row, ours: null, peerFigures: null, ratio: null, isMet: null, notMeasured: why };
}

export function seriesOf(head: Pick<Series, 'name' | 'what' | 'unit'>, points: readonly Point[]): Series {
  return { ...head, points, fit: fitPower(points) };
}

/** Of several rounds, one after the other, each kind of sample by its name. */
export async function inRounds<Name extends string>(
  rounds: number,
  kinds: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(kinds) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) samples[name].push(await kinds[name]());
  }
  return samples;
}

/** A row that has nothing beside it and no target. */
export function forInformation(name: string, what: string, unit: Unit): Row {
  return { name, what, unit, peer: null, target: null };
}
