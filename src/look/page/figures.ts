import { counted, grouped, groupedValue } from '../../text/numbers.ts';
import { Markup, markup } from './markup.ts';
import type { PageFigure } from './page.ts';

const sparkWidth = 96;
const sparkHeight = 20;

/** The mark of an unknown value. */
export const dash = markup`<span class="unknown">&#8211;</span>`;

/** Renders a count, with its noun if there is one: `12`, `1 warning`. Groups the digits of large numbers. */
export function amount(count: number, noun?: string): Markup {
  return narrow(grouped(noun === undefined ? String(count) : counted(count, noun)));
}

/** Renders the value or the limit of an alert. Groups the digits of large numbers. */
export function alertFigure(text: string, words: (text: string) => Markup = (value) => markup`${value}`): Markup {
  return narrow(groupedValue(words(text).html));
}

/**
 * Writes narrow spaces as entities. A text with a character beyond Latin-1 takes twice the memory, and so does its
 * page.
 */
function narrow(html: string): Markup {
  return new Markup(html.replaceAll('\u202f', '&#8239;'));
}

/** Renders a bar of 0 to 100 percent with its number; a dash if the figure is unknown. */
export function percentBar({ value, beyond }: PageFigure): Markup {
  if (value === null) return dash;
  const width = Math.max(0, Math.min(100, Math.round(value)));
  return markup`<svg class="${beyond === null ? 'bar' : `bar ${beyond}`}" aria-hidden="true"><rect width="${width}%" height="100%"/></svg>${percent(value)}`;
}

/** Formats a percentage: `7.5 %` below ten, otherwise whole percents. */
export function percent(value: number): string {
  return `${value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value)} %`;
}

/** Renders values from 0 to 100 over time as a line. Unknown values are gaps. */
export function sparkline(values: readonly (number | null)[], words: string): Markup {
  const path = sparkPath(values);
  if (path === '') return dash;
  return markup`<svg class="spark" viewBox="0 0 ${sparkWidth} ${sparkHeight}" role="img" aria-label="${words}"><path d="${path}"/></svg>`;
}

/** Draws values from 0 to 100 as an SVG path; a value between two gaps is a dot. */
function sparkPath(values: readonly (number | null)[]): string {
  const stepWidth = sparkWidth / Math.max(1, values.length - 1);
  let path = '';
  let before: readonly [number, number] | null = null;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      before = null;
      continue;
    }
    const x = Math.round(index * stepWidth);
    const y = sparkHeight - Math.round((Math.max(0, Math.min(100, value)) / 100) * sparkHeight);
    // Relative coordinates make a table of ten thousand lines shorter than absolute ones.
    const step = before === null ? '' : `${x - before[0]} ${y - before[1]} `.replace(' -', '-');
    if (before === null) path += `M${x} ${y}${(values[index + 1] ?? null) === null ? 'h1' : 'l'}`;
    path += step;
    before = [x, y];
  }
  return path.trimEnd();
}
