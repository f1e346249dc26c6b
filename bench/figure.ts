import { fitPower, ratioOf, spreadOf, type Point, type PowerFit, type Spread } from './statistics.ts';

export type Unit = 'ms' | 's' | 'us' | 'MB' | 'KB' | 'per s' | 'bytes' | 'times' | 'percent';

/** The target of the ratio, or of the project's own figure if there is no peer. */
export interface Target {
  readonly of: 'ratio' | 'ours';
  readonly limit: number;
  readonly is: 'at most' | 'at least';
}

/** The description of a figure before its measurement. */
export interface Row {
  /** The permanent name, by which docs/performance.md and docs/performance.json identify the figure. */
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  /** The program to compare with; null if there is none. */
  readonly peer: string | null;
  /** The target; null for a figure for information. */
  readonly target: Target | null;
}

export interface Figure extends Row {
  readonly ours: Spread | null;
  readonly peerFigures: Spread | null;
  readonly ratio: Spread | null;
  /** True if the target is met; null without a target or a measurement. */
  readonly isMet: boolean | null;
  /** The reason why there are no figures; null if there are. */
  readonly notMeasured: string | null;
}

/** The growth of a figure with the number of clients. */
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
  /** True for a run of seconds, which only shows that the benchmark works. Its figures mean nothing. */
  readonly quick: boolean;
  /** Reports the progress. */
  readonly say: (line: string) => void;
}

export type Benchmark = (options: BenchOptions) => Promise<BenchResult>;

export const ratioAtMost = (limit: number): Target => ({ of: 'ratio', limit, is: 'at most' });
export const ratioAtLeast = (limit: number): Target => ({ of: 'ratio', limit, is: 'at least' });
export const atMost = (limit: number): Target => ({ of: 'ours', limit, is: 'at most' });

/** Returns the figure of a row from its samples. The peer's samples are in the order of the same rounds. */
export function measured(row: Row, ours: readonly number[], peer: readonly number[] | null = null): Figure {
  const ratio = peer === null ? null : ratioOf(ours, peer);
  const own = spreadOf(ours);
  const { target } = row;
  const compared = target?.of === 'ratio' ? ratio?.median : own.median;
  const isMet =
    target === null || compared === undefined
      ? null
      : target.is === 'at most'
        ? compared <= target.limit
        : compared >= target.limit;
  return { ...row, ours: own, peerFigures: peer === null ? null : spreadOf(peer), ratio, isMet, notMeasured: null };
}

/** Returns the figure of a row that cannot be measured on this machine. */
export function notMeasured(row: Row, why: string): Figure {
  return { ...row, ours: null, peerFigures: null, ratio: null, isMet: null, notMeasured: why };
}

export function seriesOf(head: Pick<Series, 'name' | 'what' | 'unit'>, points: readonly Point[]): Series {
  return { ...head, points, fit: fitPower(points) };
}

/** Runs several rounds in sequence, and returns the samples by name. */
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

/** Returns a row without a peer and without a target. */
export function forInformation(name: string, what: string, unit: Unit): Row {
  return { name, what, unit, peer: null, target: null };
}
