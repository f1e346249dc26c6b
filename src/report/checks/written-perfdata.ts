/** Figures in the form of `check_stats.perfdata`: by the guidelines, in seconds, bytes, percent and counts. */
import { type Figure, type FigureUnit, parsePerfdata, type Range } from './perfdata.ts';

const suffixes: Readonly<Record<FigureUnit, string>> = { seconds: 's', bytes: 'B', ratio: '%', count: '' };

/** Writes figures as the guidelines require, in base units: `'/ used'=2771386368B;6236930048;;0;`. */
export function formatPerfdata(figures: readonly Figure[]): string {
  return figures.map(formatFigure).join(' ');
}

function formatFigure({ label, value, unit, counter, warning, critical, minimum, maximum }: Figure): string {
  const written = (one: number | null): string => (one === null ? '' : writtenNumber(one, unit));
  const range = (one: Range | null): string => (one === null ? '' : writtenRange(one, written));
  const shown = value === null ? 'U' : `${written(value)}${counter ? 'c' : suffixes[unit]}`;
  const rest = [range(warning), range(critical), written(minimum), written(maximum)];
  return `${writtenLabel(label)}=${[shown, ...rest].join(';').replace(/;+$/, '')}`;
}

function writtenLabel(label: string): string {
  return /^[^\s'"=,;|]+$/.test(label) ? label : `'${label.replaceAll("'", "''")}'`;
}

function writtenNumber(value: number, unit: FigureUnit): string {
  return String(writtenValue(value, unit));
}

/** Returns the written number: a ratio as percent, without the digits that floating point adds. */
export function writtenValue(value: number, unit: FigureUnit): number {
  return Number((unit === 'ratio' ? value * 100 : value).toPrecision(15));
}

function writtenRange({ low, high, inside }: Range, written: (one: number | null) => string): string {
  const from = low === null ? '~:' : low === 0 && high !== null ? '' : `${written(low)}:`;
  return `${inside ? '@' : ''}${from}${written(high)}`;
}

/** A figure in the form of `check_stats.perfdata`: seconds, bytes, percent or a count. */
export interface WrittenFigure {
  readonly label: string;
  /** The value; null: unknown. */
  readonly value: number | null;
  /** The unit: `s`, `B`, `%`; empty for a count. */
  readonly suffix: string;
  /** True if the value only grows. */
  readonly counter: boolean;
}

/** Returns the figures of a text that `formatPerfdata` wrote, in the units of the text. */
export function writtenFigures(perfdata: string): readonly WrittenFigure[] {
  return parsePerfdata(perfdata).map(({ label, value, unit, counter }) => ({
    label,
    value: value === null ? null : writtenValue(value, unit),
    suffix: suffixes[unit],
    counter,
  }));
}
