import type { Progress } from '../../storage/store/alert.ts';
import type { Sample } from '../evaluate/sample.ts';

/**
 * True if rows are too far apart to confirm each other. A gap that is short against `for` carries on: missed visits are
 * unknown values, which change nothing.
 */
export function isGap(
  { lastAtMs }: Pick<Progress, 'lastAtMs'>,
  { rule, pauseMs }: Pick<Sample, 'rule' | 'pauseMs'>,
  { atMs, everyMs }: { readonly atMs: number; readonly everyMs: number },
): boolean {
  const forMs = rule.forMs ?? (rule.forCount ?? 0) * everyMs;
  return atMs - lastAtMs > Math.max(longestGapMs(everyMs), pauseMs, (forMs + everyMs) / 2);
}

/** Returns the time in milliseconds above which two rows are separated by a gap, whatever `for` is. */
export function longestGapMs(everyMs: number): number {
  return 2.5 * everyMs;
}
