import type { Progress, Worst } from '../../storage/store/alert.ts';
import type { Sample, SampledRow } from '../evaluate/sample.ts';

/** Rows closer together than this do not confirm each other. */
const shortestGapMs = 10_000;

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

const counters = ['holding', 'clearing', 'missing', 'easing'] as const;

type Counts = Pick<Progress, (typeof counters)[number]>;

/**
 * Returns the counters after a row that would make them `wanted`. Rows closer together than 10 s, or than half of
 * `every` if that is less, count as one, and so do a visit and its report: such a row begins and ends counts, but adds
 * to none.
 */
export function countRow(
  before: Progress,
  wanted: Counts,
  { atMs, everyMs, runId }: { readonly atMs: number; readonly everyMs: number; readonly runId?: string },
): Counts & Pick<Progress, 'lastAtMs' | 'countedAtMs'> {
  const sinceMs = atMs - (before.countedAtMs ?? before.lastAtMs);
  const isSameVisit = runId !== undefined && before.lastRun === runId;
  if (sinceMs < 0 || (sinceMs >= Math.min(shortestGapMs, everyMs / 2) && !isSameVisit)) {
    return { ...wanted, lastAtMs: atMs, countedAtMs: atMs };
  }
  const after = { ...wanted };
  for (const name of counters) if (before[name] > 0) after[name] = Math.min(before[name], wanted[name]);
  const begins = counters.some((name) => before[name] === 0 && wanted[name] > 0);
  return { ...after, lastAtMs: atMs, countedAtMs: begins ? atMs : atMs - sinceMs };
}

/** The most characters of a fault's text: every alert keeps the text of its worst row. */
const maxWorstChars = 300;

/** Returns the worst row of an alert after one more sample; nothing if no row has been at a limit. */
export function worstAfter(
  before: Worst | undefined,
  sample: Sample,
  { atMs }: { readonly atMs: number },
): Pick<Progress, 'worst'> {
  const { level, value } = sample;
  const isHolding = level === 'warning' || level === 'critical';
  if (!isHolding || (before !== undefined && !isWorse(sample, before)))
    return before === undefined ? {} : { worst: before };
  const valueText = Array.from(sample.valueText).slice(0, maxWorstChars).join('');
  return { worst: { atMs, severity: level, value, valueText, limitText: sample.limitText } };
}

function isWorse({ rule: { op, min, max }, level, value }: Sample, before: Worst): boolean {
  if (level !== before.severity) return level === 'critical';
  if (value === null || before.value === null || min !== null || max !== null) return true;
  if (op === 'ge' || op === 'gt') return value > before.value;
  return op === 'eq' || op === 'ne' || value < before.value;
}

/** Returns the cause that progress keeps after one more sample, with the sample's run: a good row names no cause. */
export function networkAfter(
  before: Pick<Progress, 'isNetwork' | 'code' | 'begunBy'>,
  sample: Sample,
  { runId }: Pick<SampledRow, 'runId'>,
): Pick<Progress, 'isNetwork' | 'code' | 'begunBy' | 'lastRun'> {
  const { isNetwork, code } = sample.isNetwork === undefined ? before : sample;
  if (isNetwork === undefined) return {};
  const codes = code === undefined ? {} : { code, begunBy: before.begunBy ?? code };
  return { isNetwork, ...codes, lastRun: runId };
}
