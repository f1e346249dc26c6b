import { formatValue } from '../evaluate/describe-value.ts';
import { foreseenBy, unitOfRule } from '../evaluate/rule-metric.ts';
import type { SeriesPoint } from '../../storage/store/notification-store.ts';
import type { PendingNotification } from '../dispatch/notification-plan.ts';
import { momentInWords } from '../../text/time-words.ts';
import type { Wording } from './item-words.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { historyDays } from '../forecast/forecast.ts';
import type { Unit } from '../../report/metrics.ts';
import type { Rule } from '../../config/config.ts';

const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const gap = '·';
/** The least span of the scale, as a part of the largest value. Smaller changes are hardly visible. */
const minSpan = 0.1;

export interface SparklineOptions {
  readonly points: readonly SeriesPoint[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly columns: number;
}

export interface Sparkline {
  /** A character for each column; `·` if no value is known. */
  readonly text: string;
  /** The least and the most of the drawn values. */
  readonly least: number;
  readonly most: number;
}

/**
 * Draws values over time in block characters (U+2581 to U+2588), each column as high as the largest value in it. The
 * scale goes from the least to the greatest value, so that a trend shows. Returns null if no value of that time is
 * known.
 */
export function drawSparkline({ points, fromMs, untilMs, columns }: SparklineOptions): Sparkline | null {
  const highest: (number | null)[] = Array.from({ length: columns }, () => null);
  let least = Infinity;
  let most = -Infinity;
  for (const { atMs, value } of points) {
    if (value === null || !Number.isFinite(value) || atMs < fromMs || atMs > untilMs) continue;
    const column = Math.min(columns - 1, Math.floor(((atMs - fromMs) / (untilMs - fromMs)) * columns));
    highest[column] = Math.max(highest[column] ?? -Infinity, value);
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (most === -Infinity) return null;
  const span = Math.max(most - least, Math.abs(most) * minSpan, Number.MIN_VALUE);
  const bottom = (least + most - span) / 2;
  const text = highest.map((value) => {
    if (value === null) return gap;
    const step = Math.floor(((value - bottom) / span) * levels.length);
    return levels[Math.max(0, Math.min(levels.length - 1, step))] ?? gap;
  });
  return { text: text.join(''), least, most };
}

/** The columns of a chart. Twenty-four fit on a telephone in any font. */
const chartColumns = 24;

export interface ChartWords {
  readonly blocks: string;
  /** The time span of the chart, with its least and its greatest value. */
  readonly label: string;
}

/**
 * Returns the time span of an alert's chart: the last day, the time around a resolved alert, or the whole history that
 * a forecast follows from.
 */
export function chartSpan(
  { alert, watch }: Pick<PendingNotification, 'alert' | 'watch'>,
  nowMs: number,
): { fromMs: number; untilMs: number } {
  if (isForecast(watch)) return { fromMs: nowMs - historyDays * dayMs, untilMs: nowMs };
  const { pendingSinceMs, resolvedAtMs } = alert;
  if (resolvedAtMs === null) return { fromMs: nowMs - dayMs, untilMs: nowMs };
  const untilMs = Math.min(nowMs, resolvedAtMs + hourMs);
  return { fromMs: Math.min(untilMs - dayMs, pendingSinceMs - hourMs), untilMs };
}

/** Draws an alert's values. Returns null if no value in the chart's time span is known. */
export function drawChart(
  item: PendingNotification,
  { charts, reader }: Pick<Wording, 'charts' | 'reader'>,
): ChartWords | null {
  const points = charts.get(item.alertId);
  if (points === undefined) return null;
  const { nowMs } = reader;
  const { fromMs, untilMs } = chartSpan(item, nowMs);
  const columns = isForecast(item.watch) ? historyDays : chartColumns;
  const drawn = drawSparkline({ points, fromMs, untilMs, columns });
  if (drawn === null) return null;
  const { rule } = item.watch;
  const inWords = (value: number): string =>
    rule === null ? String(Math.round(value * 10) / 10) : formatValue(unitOfChart(rule), value);
  const [least, most] = [inWords(drawn.least), inWords(drawn.most)];
  const isLastDay = untilMs === nowMs && untilMs - fromMs === dayMs;
  const span = isForecast(item.watch)
    ? `${historyDays} d`
    : isLastDay
      ? '24 h'
      : `${momentInWords(reader, fromMs)} to ${momentInWords(reader, untilMs)}`;
  return { blocks: drawn.text, label: `${span}, ${least === most ? `${most} throughout` : `${least} to ${most}`}` };
}

function isForecast({ rule }: PendingNotification['watch']): boolean {
  return rule !== null && foreseenBy(rule) !== null;
}

/** Returns the unit of the drawn values. The chart of a forecast shows the levels that the forecast follows from. */
function unitOfChart(rule: Rule): Unit {
  const foreseen = foreseenBy(rule);
  return foreseen === null ? unitOfRule(rule) : foreseen === 'space' ? 'bytes' : 'percent';
}
