import { formatValue } from '../evaluate/describe-value.ts';
import { drawSparkline } from './sparkline.ts';
import { unitOfRule } from '../evaluate/rule-metric.ts';
import type { PendingNotification } from '../dispatch/notification-plan.ts';
import { momentInWords } from '../../text/time-words.ts';
import type { Wording } from './wording.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** Twenty-four fit on a telephone whatever its font. */
const chartColumns = 24;

export interface ChartWords {
  readonly blocks: string;
  /** What span the blocks stand for, and from which value to which they go. */
  readonly label: string;
}

/** The time that the chart of an alert shows: the last day, or the time around what is over. */
export function chartSpan(
  { alert }: Pick<PendingNotification, 'alert'>,
  nowMs: number,
): { fromMs: number; untilMs: number } {
  const { pendingSinceMs, resolvedAtMs } = alert;
  if (resolvedAtMs === null) return { fromMs: nowMs - dayMs, untilMs: nowMs };
  const untilMs = Math.min(nowMs, resolvedAtMs + hourMs);
  return { fromMs: Math.min(untilMs - dayMs, pendingSinceMs - hourMs), untilMs };
}

/** Draws an alert's values; null: none are known of that time. */
export function drawChart(
  item: PendingNotification,
  { charts, reader }: Pick<Wording, 'charts' | 'reader'>,
): ChartWords | null {
  const points = charts.get(item.alertId);
  if (points === undefined) return null;
  const { nowMs } = reader;
  const { fromMs, untilMs } = chartSpan(item, nowMs);
  const drawn = drawSparkline({ points, fromMs, untilMs, columns: chartColumns });
  if (drawn === null) return null;
  const { rule } = item.watch;
  const inWords = (value: number): string =>
    rule === null ? String(Math.round(value * 10) / 10) : formatValue(unitOfRule(rule), value);
  const [least, most] = [inWords(drawn.least), inWords(drawn.most)];
  const isLastDay = untilMs === nowMs && untilMs - fromMs === dayMs;
  const span = isLastDay ? '24 h' : `${momentInWords(reader, fromMs)} to ${momentInWords(reader, untilMs)}`;
  return { blocks: drawn.text, label: `${span}, ${least === most ? `${most} throughout` : `${least} to ${most}`}` };
}
