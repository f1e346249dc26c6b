import { type Markup, markup } from './markup.ts';
import type { PageFigure } from './page.ts';

const sparkWidth = 96;
const sparkHeight = 20;

/** A bar of 0 to 100 percent with its number; a dash if the figure is unknown. */
export function percentBar({ value, beyond }: PageFigure): Markup {
  if (value === null) return markup`<span class="unknown">&#8211;</span>`;
  const width = Math.max(0, Math.min(100, Math.round(value)));
  return markup`<svg class="bar ${beyond ?? 'fine'}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="8"/></svg><span class="number">${percent(value)}</span>`;
}

/** `7.5 %` below ten, else whole percents. */
export function percent(value: number): string {
  return `${value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}

/** A line of values from 0 to 100 over time. Unknown values are gaps. */
export function sparkline(values: readonly (number | null)[], words: string): Markup {
  const path = sparkPath(values);
  if (path === '') return markup`<span class="unknown">&#8211;</span>`;
  return markup`<svg class="spark" viewBox="0 0 ${sparkWidth} ${sparkHeight}" role="img" aria-label="${words}"><path d="${path}"/></svg>`;
}

/** Draws values from 0 to 100 as an SVG path in relative steps; a value between two gaps is a dot. */
function sparkPath(values: readonly (number | null)[]): string {
  const stepWidth = sparkWidth / Math.max(1, values.length - 1);
  let path = '';
  let isDrawing = false;
  for (const [index, value] of values.entries()) {
    if (value !== null) {
      const x = Math.round(index * stepWidth);
      const y = sparkHeight - Math.round((Math.max(0, Math.min(100, value)) / 100) * sparkHeight);
      path += `${isDrawing ? 'L' : 'M'}${x} ${y}`;
      if (!isDrawing && (values[index + 1] ?? null) === null) path += 'h1';
    }
    isDrawing = value !== null;
  }
  return path;
}
