import { numberWords } from './figure-words.ts';
import type { Series } from './figure.ts';
import type { Point } from './statistics.ts';
import { escapeMarkup } from '../src/text/escape-markup.ts';

const columns = 3;
const panel = { width: 300, height: 230, left: 46, right: 26, top: 44, bottom: 30 };

/** The style: dark strokes for a light page and the reverse, because the picture has no background. */
const style = `
  text { font: 11px system-ui, sans-serif; fill: #52514e; }
  .title { font-size: 12px; font-weight: 600; fill: #0b0b0b; }
  .grid { stroke: #e1e0d9; } .line { stroke: #2a78d6; } .fit { stroke: #898781; }
  .point { fill: #2a78d6; stroke: #fcfcfb; } .value { fill: #0b0b0b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c3c2b7; } .title, .value { fill: #ffffff; }
    .grid { stroke: #2c2c2a; } .line { stroke: #3987e5; } .point { fill: #3987e5; stroke: #1a1a19; }
  }`;

/** Returns an SVG with a panel for each series: its points and the line of its fit on logarithmic axes. */
export function plotSeries(series: readonly Series[]): string {
  const shown = series.filter(({ points }) => points.length > 0);
  const width = columns * panel.width;
  const height = Math.ceil(shown.length / columns) * panel.height;
  const panels = shown.map((one, index) => {
    const [x, y] = [(index % columns) * panel.width, Math.floor(index / columns) * panel.height];
    return `<g transform="translate(${x} ${y})">${panelOf(one)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    '<title>How the cost grows with the number of clients</title>',
    `<style>${style}\n</style>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panelOf({ what, unit, points, fit }: Series): string {
  const x = scaleOf(decadesOf(points.map(({ n }) => n)), panel.left, panel.width - panel.right);
  const y = scaleOf(decadesOf(points.map(({ value }) => value)), panel.height - panel.bottom, panel.top);
  const bottom = panel.height - panel.bottom;
  const parts: string[] = [
    `<text class="title" x="${panel.left}" y="16">${escapeMarkup(what)}</text>`,
    `<text x="${panel.left}" y="31">${unit}${fit === null ? '' : `; exponent ${fit.exponent.toFixed(2)}`}</text>`,
  ];
  for (const decade of x.decades) {
    parts.push(line('grid', x.at(decade), panel.top, x.at(decade), bottom));
    parts.push(`<text x="${places(x.at(decade))}" y="${bottom + 15}" text-anchor="middle">${short(decade)}</text>`);
  }
  for (const decade of y.decades) {
    parts.push(line('grid', panel.left, y.at(decade), panel.width - panel.right, y.at(decade)));
    parts.push(`<text x="${panel.left - 6}" y="${places(y.at(decade) + 4)}" text-anchor="end">${short(decade)}</text>`);
  }
  if (fit !== null) {
    const value = (n: number): number => fit.factor * n ** fit.exponent;
    const ends = [points[0], points.at(-1)].flatMap((point) =>
      point === undefined ? [] : [place(point.n, value(point.n))],
    );
    parts.push(`<polyline class="fit" fill="none" stroke-dasharray="4 3" points="${ends.join(' ')}"/>`);
  }
  const path = points.map(({ n, value }) => place(n, value)).join(' ');
  parts.push(`<polyline class="line" fill="none" stroke-width="2" points="${path}"/>`);
  for (const [index, point] of points.entries()) parts.push(dot(point, index === 0 ? 'start' : 'middle'));
  return parts.join('\n');

  function place(n: number, value: number): string {
    return `${places(x.at(n))},${places(y.at(value))}`;
  }
  /** Draws a point. The text of the first point, which is on the axis, must not cover the axis labels. */
  function dot({ n, value }: Point, anchor: 'start' | 'middle'): string {
    const [cx, cy] = [places(x.at(n)), places(y.at(value))];
    return (
      `<circle class="point" cx="${cx}" cy="${cy}" r="4" stroke-width="1.5"/>` +
      `<text class="value" x="${cx}" y="${places(y.at(value) - 9)}" ` +
      `text-anchor="${anchor}">${numberWords(value)}</text>`
    );
  }
}

interface Scale {
  readonly decades: readonly number[];
  at(value: number): number;
}

function scaleOf(decades: readonly number[], from: number, to: number): Scale {
  const [first = 1] = decades;
  const last = decades.at(-1) ?? first * 10;
  const at = (value: number): number => from + ((to - from) * Math.log(value / first)) / Math.log(last / first);
  return { decades, at };
}

/** Returns the powers of ten that enclose the values, at least two. */
function decadesOf(values: readonly number[]): readonly number[] {
  const first = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${places(x1)}" y1="${places(y1)}" x2="${places(x2)}" y2="${places(y2)}"/>`;
}

function short(value: number): string {
  return value >= 1000 ? `${value / 1000}k` : String(Number(value.toPrecision(1)));
}

function places(value: number): string {
  return String(Math.round(value * 10) / 10);
}
