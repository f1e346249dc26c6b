import { missing, rounded, type Facts, type Missing } from './function-report.ts';
import type { Earlier } from './probe.ts';

/** A field, and the factor of its counter. */
export type RateField = readonly [field: string, factor: number];

export interface RateOptions {
  readonly fields: readonly RateField[];
  readonly now: readonly number[];
  /** The counters of the subject at the previous visit; undefined if it is new. */
  readonly before: readonly number[] | undefined;
  readonly earlier: Earlier | null;
  readonly noRates: string;
  /** The largest difference of each counter; undefined for a counter without one. */
  readonly most: readonly (number | undefined)[];
}

/**
 * Returns the rates per second of a subject. Its counters are reset together: none of them can be trusted if one fell,
 * or grew by more than is possible.
 */
export function ratesOf({ fields, now, before, earlier, noRates, most }: RateOptions): Facts {
  const differences = now.map((count, at) => count - (before?.[at] ?? 0));
  const wasReset = differences.some((difference, at) => difference < 0 || difference > (most[at] ?? Infinity));
  const reason =
    earlier === null
      ? noRates
      : before === undefined
        ? 'new since the previous visit'
        : wasReset
          ? 'the counters were reset'
          : null;
  const facts: Record<string, number | Missing> = {};
  fields.forEach(([field, factor], at) => {
    const rate = ((differences[at] ?? NaN) * factor * 1000) / (earlier?.elapsedMs ?? 0);
    facts[field] = reason === null ? rounded(rate, 2) : missing(reason);
  });
  return facts;
}
