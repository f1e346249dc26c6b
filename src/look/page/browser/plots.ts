import uPlot from 'uplot';
import { grouped } from '../../../text/numbers.ts';

import type { HistoryAlert, HistoryLimit, SeriesGroup, SeriesUnit } from '../series-layout.ts';
import { momentBox, type MomentWords, type SpanMarking, spanMarking } from './plot-cursor.ts';
import { timeLabels, timeValue } from './time-labels.ts';
import { canDecode, type DecodedHistory, type DecodedSeries, decodeHistory } from './decode-series.ts';

/** The most lines that a plot shows. Others are hidden until their names in the legend are chosen. */
const maxLines = 8;
const height = 180;
/** The height of the tick of a change. */
const tickHeight = 8;
const changeColour = '#cc79a7';
/** Okabe and Ito's colours, without yellow, in an order in which neighbours differ in lightness. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7f7f7f', '#8b5a2b'];

/** Steps between the labels of bytes. */
const powersOfTwo = Array.from({ length: 50 }, (_, power) => 2 ** power);

interface Plot {
  readonly title: string;
  readonly groups: readonly SeriesGroup[];
  /** True for the series of this plot among the series of its groups. Left out: all belong to it. */
  readonly has?: (series: DecodedSeries) => boolean;
  readonly format: (value: number) => string;
  /** The steps of the scale. Left out: uPlot's own, which are decimal. */
  readonly steps?: number[];
  /** The top of the scale if the values have a maximum. */
  readonly top?: number;
}

const plots: readonly Plot[] = [
  { title: 'CPU', groups: ['cpu'], format: percents, top: 100 },
  { title: 'Memory and swap', groups: ['memory'], format: percents, top: 100 },
  { title: 'Load', groups: ['load'], format: plain },
  { title: 'File systems', groups: ['disk'], format: percents, top: 100 },
  { title: 'Network', groups: ['received', 'sent'], format: bytesPerSecond, steps: powersOfTwo },
  { title: 'Failed units', groups: ['units'], format: plain },
];

/** Draws a client's encoded history into an element, or says there why it cannot be drawn. */
export async function showHistory(place: HTMLElement, encoded: string): Promise<void> {
  if (!canDecode) {
    place.textContent = 'This browser is too old to unpack the plots. The table above is complete.';
    return;
  }
  try {
    const history = await decodeHistory(encoded);
    place.replaceChildren();
    drawPlots(place, history, document.querySelector<HTMLElement>('main')?.dataset['zone'] ?? 'UTC');
  } catch (error) {
    place.textContent = `The plots cannot be drawn: ${String(error)}`;
  }
}

/** Draws a client's history into an element: one plot per subject, with a common cursor and zoom. */
function drawPlots(parent: HTMLElement, history: DecodedHistory, wantedZone: string): void {
  const zone = isZone(wantedZone) ? wantedZone : 'UTC';
  const panel = document.createElement('div');
  panel.className = 'plots';
  parent.append(panel);
  const drawn: uPlot[] = [];
  const marking = spanMarking(drawn);
  const zoomed = (from: number, to: number): void => {
    for (const plot of drawn) {
      const { min, max } = plot.scales['x'] ?? {};
      if (min !== from || max !== to) plot.setScale('x', { min: from, max: to });
    }
  };
  for (const plot of [...plots, ...seriesPlots(history)]) {
    const { groups, has = () => true } = plot;
    const series = fullestFirst(history.series.filter((one) => groups.includes(one.group) && has(one)));
    if (series.length === 0) continue;
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    caption.textContent = plot.title;
    figure.append(caption);
    panel.append(figure);
    if (newestKnown(series) === -1) {
      figure.append('No value in this span.');
      continue;
    }
    const options = optionsOf(plot, series, history, { zone, width: figure.clientWidth || 480, zoomed, marking });
    const data = [history.times, ...series.map(({ values }) => values)] as uPlot.AlignedData;
    const chart = new uPlot(options, data, figure);
    chart.root.setAttribute('role', 'img');
    chart.root.setAttribute('aria-label', sentence(plot, series, history, zone));
    // A legend that scrolls needs a tab stop for the keyboard.
    const legend = chart.root.querySelector<HTMLElement>('.u-legend');
    if (legend !== null && series.length > maxLines) {
      legend.tabIndex = 0;
      legend.ariaLabel = `Legend of ${plot.title}`;
    }
    drawn.push(chart);
  }
  if (panel.childElementCount === 0) panel.textContent = 'No report has arrived in this span.';
  const notes = [
    ...(history.moreSeries > 0 ? [`${history.moreSeries} more series of checks and textfiles are not drawn.`] : []),
    ...(zone === wantedZone ? [] : [`This browser does not know the zone ${wantedZone}: these times are UTC.`]),
  ];
  for (const note of notes) {
    const rest = document.createElement('p');
    rest.className = 'quiet';
    rest.textContent = note;
    panel.after(rest);
  }
  new ResizeObserver(() => {
    for (const plot of drawn) {
      const width = plot.root.parentElement?.clientWidth ?? 0;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height });
    }
  }).observe(panel);
}

/** Returns the plots of the series of checks and textfiles: one for each title and unit. */
function seriesPlots({ series }: DecodedHistory): readonly Plot[] {
  const firsts = series.filter(
    (one, index) => one.group === 'series' && series.findIndex((other) => isBeside(one, other)) === index,
  );
  return firsts.map((first) => ({
    title: first.plot ?? '',
    groups: ['series'],
    has: (one) => isBeside(first, one),
    format: seriesFormats[first.unit ?? 'count'],
    ...(first.unit === 'bytes' && { steps: powersOfTwo }),
  }));
}

function isBeside(one: DecodedSeries, other: DecodedSeries): boolean {
  return one.group === other.group && one.plot === other.plot && one.unit === other.unit;
}

/** Returns the words for the box of the moment under the pointer. */
function momentWords(
  series: readonly DecodedSeries[],
  format: Plot['format'],
  { zone, history }: { readonly zone: string; readonly history: DecodedHistory },
): MomentWords {
  const time = timeValue(uPlot, zone, { newest: null, step: history.step }, history.times.at(-1));
  return {
    time: (seconds) => time(null, seconds),
    line: (line, at) => {
      const { group = 'series', name = '', values = [] } = series[line] ?? {};
      const value = values[at] ?? null;
      const words = `${labelOf(group, name)} ${value === null ? '–' : format(value)}`;
      return { words, colour: isBound({ group, name }) ? null : (colours[line % colours.length] ?? null) };
    },
  };
}

/** True if a series is the least or the most of a mean, which are a band and no lines. */
function isBound({ group, name }: Pick<DecodedSeries, 'group' | 'name'>): boolean {
  return group === 'cpu' && name !== 'mean';
}

/** Returns the index of the last point at which any series has a value; -1 if no series has a value. */
function newestKnown(series: readonly DecodedSeries[]): number {
  return Math.max(-1, ...series.map(({ values }) => values.findLastIndex((value) => value !== null)));
}

interface Surroundings {
  readonly zone: string;
  readonly width: number;
  readonly zoomed: (from: number, to: number) => void;
  readonly marking: SpanMarking;
}

function optionsOf(
  shown: Plot,
  series: readonly DecodedSeries[],
  history: DecodedHistory,
  { zone, width, zoomed, marking }: Surroundings,
): uPlot.Options {
  const { format, groups, steps, top } = shown;
  const alerts = alertsOf(shown, history);
  const style = getComputedStyle(document.documentElement);
  const [text, line] = [style.getPropertyValue('--quiet'), style.getPropertyValue('--line')];
  const newest = newestKnown(series);
  const limits = history.limits.filter(({ group }) => groups.includes(group));
  const axis: uPlot.Axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { sync: { key: 'client' }, drag: { x: true, y: false } },
    scales: {
      // uPlot gives a single point an axis of years.
      x: { range: (_plot, from, to) => [from, history.points === 1 ? from + history.step : to] },
      y: {
        range: (_plot, low, high) => {
          const highest = Math.max(high, ...limits.map(({ value }) => value), groups.includes('series') ? 0 : 1);
          return [Math.min(0, low * 1.05), top ?? (highest * 1.05 || 1)];
        },
      },
    },
    axes: [
      { ...axis, values: timeLabels(uPlot, zone) },
      {
        ...axis,
        size: 72,
        values: (_plot, values) => values.map((value) => format(value)),
        ...(steps && { incrs: steps }),
      },
    ],
    series: [
      { value: timeValue(uPlot, zone, { newest: history.times[newest] ?? null, step: history.step }) },
      ...series.map((one, index) => lineOf(one, index, series, { format, newest })),
    ],
    bands: bandOf(series),
    plugins: [
      momentBox(momentWords(series, format, { zone, history })),
      { hooks: { ready: [marking.listen], draw: [marking.draw] } },
    ],
    hooks: {
      setScale: [
        (plot, scale) => {
          const { min, max } = plot.scales[scale] ?? {};
          if (scale === 'x' && typeof min === 'number' && typeof max === 'number') zoomed(min, max);
        },
      ],
      drawClear: [(plot) => alertBands(plot, alerts, history.times.at(-1) ?? 0)],
      draw: [(plot) => marks(plot, limits, history)],
    },
  };
}

function lineOf(
  { group, name, values }: DecodedSeries,
  index: number,
  all: readonly DecodedSeries[],
  { format, newest }: { readonly format: Plot['format']; readonly newest: number },
): uPlot.Series {
  const isBand = isBound({ group, name });
  const isGap = (at: number): boolean => (values[at] ?? null) === null;
  const lone = [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1));
  const colour = colours[index % colours.length] ?? '';
  return {
    label: labelOf(group, name),
    stroke: isBand ? 'transparent' : colour,
    width: isBand ? 0 : 1.5,
    ...(group === 'sent' ? { dash: [4, 3] } : {}),
    show: isBand || all.length <= maxLines || index < maxLines,
    spanGaps: false,
    // A value between two gaps is drawn as a point, as it makes no line.
    points: { show: !isBand, size: 5, fill: colour, filter: () => lone },
    // Without a cursor the legend shows the newest values.
    value: (_plot, _value, _series, at: number | null) => {
      const value = values[at ?? newest] ?? null;
      return value === null ? '–' : format(value);
    },
  };
}

/** Returns the lines with the greatest newest values first if there are more lines than are shown. */
function fullestFirst(series: readonly DecodedSeries[]): readonly DecodedSeries[] {
  if (series.length <= maxLines) return series;
  const newest = ({ values }: DecodedSeries): number => values.findLast((value) => value !== null) ?? -1;
  return [...series].sort((one, other) => newest(other) - newest(one));
}

function labelOf(group: SeriesGroup, name: string): string {
  return group === 'received' || group === 'sent' ? `${name} ${group}` : name;
}

/** Returns the band between the least and the greatest CPU of each point. */
function bandOf(series: readonly DecodedSeries[]): uPlot.Band[] {
  const place = (name: string): number => series.findIndex((one) => one.group === 'cpu' && one.name === name) + 1;
  const [least, most] = [place('least'), place('most')];
  return least === 0 || most === 0 ? [] : [{ series: [most, least], fill: 'rgba(0, 114, 178, 0.18)' }];
}

/** Returns a sentence for those who do not see the plot: `CPU: mean from 3 % to 78 %, 51 % at the end. From ...` */
function sentence(plot: Plot, series: readonly DecodedSeries[], history: DecodedHistory, zone: string): string {
  const time = timeValue(uPlot, zone, { newest: null, step: history.step }, history.times.at(-1));
  const [first = null, last = null] = [history.times[0], history.times[newestKnown(series)]];
  const limits = history.limits
    .filter(({ group }) => plot.groups.includes(group))
    .map(({ severity, value }) => ` The limit for ${severity} is ${plot.format(value)}.`);
  const fired = alertsOf(plot, history).filter(({ severity }) => severity !== 'pending').length;
  const alerts = fired === 0 ? '' : ` ${fired === 1 ? 'One alert' : `${fired} alerts`} fired in this time.`;
  const lines = series.map((one) => summary(one, plot)).join('; ');
  return `${plot.title}: ${lines}. From ${time(null, first)} to ${time(null, last)}.${limits.join('')}${alerts}`;
}

function summary({ group, name, values }: DecodedSeries, { format }: Plot): string {
  const known = values.filter((value) => value !== null);
  const words = labelOf(group, name);
  const newest = known.at(-1);
  if (newest === undefined) return `${words} unknown`;
  return `${words} from ${format(Math.min(...known))} to ${format(Math.max(...known))}, ${format(newest)} at the end`;
}

/** True if this browser knows the zone. The server's zone may be a local or a newer one. */
function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format() !== '';
  } catch {
    return false;
  }
}

const fills = {
  critical: 'rgba(213, 94, 0, 0.16)',
  warning: 'rgba(230, 159, 0, 0.14)',
  pending: 'rgba(127, 127, 127, 0.16)',
} as const;
const strokes = { critical: '#d55e00', warning: '#d98e04' } as const;

/** Returns the alerts about the figures of a plot. */
function alertsOf({ groups, title }: Plot, { alerts }: DecodedHistory): readonly HistoryAlert[] {
  return alerts.filter(({ group, plot }) => group !== null && groups.includes(group) && (plot ?? title) === title);
}

/** Draws the time of each alert as a band behind the lines. The band of an open alert ends with the plot. */
function alertBands(plot: uPlot, alerts: readonly HistoryAlert[], until: number): void {
  within(plot, (context) => {
    for (const { from, to, severity } of alerts) {
      const [left, right] = [plot.valToPos(from, 'x', true), plot.valToPos(to ?? until, 'x', true)];
      context.fillStyle = fills[severity];
      context.fillRect(left, plot.bbox.top, Math.max(1, right - left), plot.bbox.height);
    }
  });
}

/** Draws the limits, the boots and the changes. */
function marks(plot: uPlot, limits: readonly HistoryLimit[], { boots, changes }: DecodedHistory): void {
  limitLines(plot, limits);
  bootMarks(plot, boots);
  changeTicks(plot, changes);
}

/** Draws each limit as a dashed line. */
function limitLines(plot: uPlot, limits: readonly HistoryLimit[]): void {
  within(plot, (context) => {
    context.setLineDash([6, 4]);
    for (const { value, severity } of limits) {
      const y = plot.valToPos(value, 'y', true);
      context.strokeStyle = strokes[severity];
      stroke(context, plot.bbox.left, y, plot.bbox.left + plot.bbox.width, y);
    }
  });
}

/** Draws a mark at the top for each boot. */
function bootMarks(plot: uPlot, boots: readonly number[]): void {
  within(plot, (context) => {
    context.strokeStyle = '#7f7f7f';
    context.setLineDash([2, 3]);
    for (const boot of boots) {
      const x = plot.valToPos(boot, 'x', true);
      stroke(context, x, plot.bbox.top, x, plot.bbox.top + plot.bbox.height);
    }
  });
}

/** Draws a tick at the bottom for each change of the client's state. */
function changeTicks(plot: uPlot, changes: readonly number[]): void {
  within(plot, (context) => {
    const bottom = plot.bbox.top + plot.bbox.height;
    context.strokeStyle = changeColour;
    context.lineWidth = 2 * devicePixelRatio;
    for (const change of changes) {
      const x = plot.valToPos(change, 'x', true);
      stroke(context, x, bottom - tickHeight * devicePixelRatio, x, bottom);
    }
  });
}

function stroke(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** Draws within the plot's area and leaves the context as it was. */
function within({ ctx: context, bbox }: uPlot, draw: (context: CanvasRenderingContext2D) => void): void {
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  draw(context);
  context.restore();
}

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const times = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
  ['ms', 0.001],
] as const;

/** Formats a percentage: `42.5 %`. */
function percents(value: number): string {
  return `${plain(value)} %`;
}

/** Formats a number with at most one decimal and its digits in groups of three. */
function plain(value: number): string {
  return grouped(String(Math.round(value * 10) / 10));
}

/** Formats bytes: `1.5 MiB`. */
function bytes(value: number): string {
  const power = Math.abs(value) < 1 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(Math.abs(value)) / 10));
  return `${plain(value / 2 ** (10 * power))} ${sizes[power] ?? ''}`;
}

/** Formats bytes per second: `1.5 MiB/s`. */
function bytesPerSecond(value: number): string {
  return `${bytes(value)}/s`;
}

/** Formats seconds in their largest unit: `1.5 min`. */
function seconds(value: number): string {
  const [unit, length] = times.find(([, one]) => Math.abs(value) >= one) ?? ['s', 1];
  return `${plain(value / length)} ${unit}`;
}

/** Formats a number with at least three significant digits: `0.0123`, `4.56`, `12.5`. */
function figure(value: number): string {
  return Math.abs(value) >= 10 || value === 0 ? plain(value) : String(Number(value.toPrecision(3)));
}

/** The formats of the values of series, by unit. */
const seriesFormats: Readonly<Record<SeriesUnit, (value: number) => string>> = {
  seconds,
  bytes,
  percent: percents,
  ratio: (value) => percents(value * 100),
  count: figure,
  per_second: (value) => `${figure(value)}/s`,
};
