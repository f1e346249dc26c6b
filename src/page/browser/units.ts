import { grouped } from '../../text/numbers.ts';
import type { SeriesUnit } from '../series-layout.ts';

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const times = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
  ['ms', 0.001],
] as const;

/** Formats a percentage: `42.5 %`. */
export function percents(value: number): string {
  return `${plain(value)} %`;
}

/** Formats a number with at most one decimal and its digits in groups of three. */
export function plain(value: number): string {
  return grouped(String(Math.round(value * 10) / 10));
}

/** Formats bytes: `1.5 MiB`. */
export function bytes(value: number): string {
  const power = Math.abs(value) < 1 ? 0 : Math.min(sizes.length - 1, Math.floor(Math.log2(Math.abs(value)) / 10));
  return `${plain(value / 2 ** (10 * power))} ${sizes[power] ?? ''}`;
}

/** Formats bytes per second: `1.5 MiB/s`. */
export function bytesPerSecond(value: number): string {
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
export const seriesFormats: Readonly<Record<SeriesUnit, (value: number) => string>> = {
  seconds,
  bytes,
  percent: percents,
  ratio: (value) => percents(value * 100),
  count: figure,
  per_second: (value) => `${figure(value)}/s`,
};
