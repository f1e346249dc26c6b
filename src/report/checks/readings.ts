/**
 * Turns the measurements of a report that have names of their own into readings: figures of checks, samples of *.prom
 * files, lines of logs.
 */
import { logCountsOf } from '../log-lines.ts';
import type { Report } from '../report.ts';
import type { MeasuredCheck } from './checks.ts';
import type { Figure, FigureUnit } from './perfdata.ts';
import type { PromSample } from './prom-samples.ts';
import { writtenValue } from './written-perfdata.ts';

/** The unit of a series. A counter only grows; its rate is `per_second`. */
export type SeriesUnit = 'seconds' | 'bytes' | 'percent' | 'ratio' | 'count' | 'counter' | 'per_second';

/** A value of a report under the name of its series. */
export interface Reading {
  readonly metric: string;
  /** A JSON object with sorted keys: the check and its label for a figure, the labels for a sample. */
  readonly labels: string;
  readonly unit: SeriesUnit;
  readonly value: number;
}

/** The largest value. Sums over years of values within this limit stay numbers that a database can hold. */
const largest = 1e24;
/** The limits of the columns of `series`. */
const maxMetricChars = 128;
const maxLabelsChars = 1000;

/**
 * Returns the figures of checks that ran for the report, with the check and the label as the metric, and behind them
 * the samples of *.prom files and programs. Of readings of one series the first counts; the text of the check names the
 * others. Omits repeated results, which were read before, and unknown values.
 */
export function checkReadings(checks: readonly MeasuredCheck[]): readonly Reading[] {
  const fresh = checks.filter(({ stat }) => stat.age_s === 0);
  const figures = fresh.flatMap(({ stat, figures: own }) => own.map((one) => figureReading(stat.check_name, one)));
  const samples = fresh.flatMap(({ samples: own }) => own.map(sampleReading));
  return [...figures, ...samples].filter((reading) => reading !== null);
}

/** Returns the numbers of new log lines in the report: of errors, and for each rule. */
export function logReadings(report: Pick<Report, 'worker_reports'>): readonly Reading[] {
  return logCountsOf(report)
    .map(({ metric, labels, count }) => sampleReading({ metric, labels: Object.entries(labels), value: count }))
    .filter((reading) => reading !== null);
}

function figureReading(check: string, { label, value, unit, counter }: Figure): Reading | null {
  if (value === null || Math.abs(value) > largest) return null;
  const labels = `{"check":${JSON.stringify(check)},"label":${JSON.stringify(label)}}`;
  const own = counter ? 'counter' : figureUnits[unit];
  return { metric: `${check} ${label}`, labels, unit: own, value: writtenValue(value, unit) };
}

const figureUnits: Readonly<Record<FigureUnit, SeriesUnit>> = {
  seconds: 'seconds',
  bytes: 'bytes',
  ratio: 'percent',
  count: 'count',
};

const sampleUnits: Readonly<Record<string, SeriesUnit>> = {
  seconds: 'seconds',
  bytes: 'bytes',
  ratio: 'ratio',
  percent: 'percent',
  total: 'counter',
};

/**
 * Returns the reading of a sample; null if the series cannot hold it. The unit is the end of the name, as in
 * Prometheus' naming.
 */
function sampleReading({ metric: written, labels, value }: PromSample): Reading | null {
  // The name of a figure has a blank, that of a sample has none.
  const metric = plain(written).replaceAll(/\s/gu, '_');
  if (!(Math.abs(value) <= largest) || metric.length > maxMetricChars) return null;
  const json = JSON.stringify(Object.fromEntries(labels.map(([name, text]) => [plain(name), plain(text)])));
  if (json.length > maxLabelsChars) return null;
  return { metric, labels: json, unit: sampleUnits[metric.slice(metric.lastIndexOf('_') + 1)] ?? 'count', value };
}

/** Returns a text without characters that screens and databases cannot take. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '\uFFFD');
}
