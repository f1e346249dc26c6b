import type { Progress } from '../../storage/store/alert.ts';

/** Two looks at one moment do not confirm each other. */
const shortestGapMs = 10_000;

const counters = ['holding', 'clearing', 'missing', 'easing'] as const;

type Counts = Pick<Progress, (typeof counters)[number]>;

/**
 * Returns the counters after a row that would make them `wanted`. Rows closer together than 10 s, or half of `every` where
 * that is less, count as one: such a row begins a count and ends one, but adds to none.
 */
export function countRow(
  before: Progress,
  wanted: Counts,
  { atMs, everyMs }: { readonly atMs: number; readonly everyMs: number },
): Counts & Pick<Progress, 'lastAtMs' | 'countedAtMs'> {
  const sinceMs = atMs - (before.countedAtMs ?? before.lastAtMs);
  if (sinceMs < 0 || sinceMs >= Math.min(shortestGapMs, everyMs / 2)) {
    return { ...wanted, lastAtMs: atMs, countedAtMs: atMs };
  }
  const after = { ...wanted };
  for (const name of counters) if (before[name] > 0) after[name] = Math.min(before[name], wanted[name]);
  const begins = counters.some((name) => before[name] === 0 && wanted[name] > 0);
  return { ...after, lastAtMs: atMs, countedAtMs: begins ? atMs : atMs - sinceMs };
}
