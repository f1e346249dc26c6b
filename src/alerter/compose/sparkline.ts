import type { SeriesPoint } from '../../storage/store/notification-store.ts';

const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const gap = '·';
/** Smaller changes than this part of the largest value are drawn as what they are: hardly any. */
const leastSpan = 0.1;

export interface SparklineOptions {
  readonly points: readonly SeriesPoint[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly columns: number;
}

export interface Sparkline {
  /** One character a column; `·` where nothing is known. */
  readonly text: string;
  /** Of the points that are drawn. */
  readonly least: number;
  readonly most: number;
}

/**
 * Draws values over time in block characters (U+2581 to U+2588), each column as high as the largest value in it; the scale
 * goes from the least to the most, so that a trend shows. null: nothing is known of that time.
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
  const span = Math.max(most - least, Math.abs(most) * leastSpan, Number.MIN_VALUE);
  const bottom = (least + most - span) / 2;
  const text = highest.map((value) => {
    if (value === null) return gap;
    const step = Math.floor(((value - bottom) / span) * levels.length);
    return levels[Math.max(0, Math.min(levels.length - 1, step))] ?? gap;
  });
  return { text: text.join(''), least, most };
}
