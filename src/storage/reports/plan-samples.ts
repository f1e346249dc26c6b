import type { Reading, SeriesUnit } from '../../report/checks/readings.ts';
import { hourMs } from '../../platform/units.ts';
import { maxSubjects } from '../../report/limits.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';

/** A row of `series`. */
export interface Series {
  /** null if it is not stored yet. */
  id: number | null;
  readonly metric: string;
  readonly labels: string;
  readonly unit: SeriesUnit;
  /** The day of its newest sample. */
  lastOn: string;
  /** The value of a counter, for its next rate; null for other series. */
  counter: CounterState | null;
}

interface CounterState {
  readonly atMs: number;
  readonly value: number;
}

/** A report with its readings, at most one of each series. */
export interface ReadReport {
  readonly client: string;
  readonly statId: number;
  /** The time in the form of a time column. */
  readonly observedAt: string;
  readonly readings: readonly Reading[];
}

export interface PlannedSample {
  readonly report: ReadReport;
  readonly series: Series;
  readonly value: number;
}

/** The samples of a client's reports, and the changes of its series. */
export interface SamplePlan {
  readonly samples: readonly PlannedSample[];
  /** Series that are new or differ from the stored ones. */
  readonly changed: readonly Series[];
  /** The readings of the newest report for which no series was free. */
  readonly dropped: number;
  /** True if the client has the most series allowed. */
  readonly full: boolean;
}

/** The time without samples after which another reading may take the place of a series. */
const activeMs = 7 * 24 * hourMs;
/** The most series of a client, silent ones included. */
const maxEver = 10 * maxSubjects;
/** The time between the two readings of a rate, as for the rates of probes. */
const rateMs = { min: 10_000, max: 24 * hourMs } as const;

/**
 * Plans the samples of one client's reports. At most 200 series have samples in the week before a report, because the
 * client chooses the names. Changes `known`, the stored series.
 */
export function planSamples(known: readonly Series[], reports: readonly ReadReport[]): SamplePlan {
  const book: Book = { byName: new Map(known.map((series) => [seriesName(series), series])), changed: new Set() };
  const samples: PlannedSample[] = [];
  let [dropped, full] = [0, false];
  for (const report of [...reports].sort((a, b) => (a.observedAt < b.observedAt ? -1 : 1))) {
    const atMs = fromSqlTime(report.observedAt) ?? 0;
    const choose = seriesChooser(book, atMs);
    const take = (reading: Reading): Series | null => {
      const series = choose.seriesOf(reading);
      if (series !== null) samples.push({ report, series, value: reading.value });
      return series;
    };
    for (const reading of report.readings) {
      const series = take(reading);
      if (series === null || reading.unit !== 'counter') continue;
      const { counter, rate } = rateOf(series.counter, { atMs, value: reading.value });
      if (counter !== series.counter) book.changed.add(series);
      series.counter = counter;
      if (rate !== null) take({ ...reading, unit: 'per_second', value: rate });
    }
    ({ dropped, full } = choose.counts());
  }
  return { samples, changed: [...book.changed], dropped, full };
}

interface Book {
  readonly byName: Map<string, Series>;
  readonly changed: Set<Series>;
}

/** Returns the functions that choose the series of one report's readings, or create new ones. */
function seriesChooser({ byName, changed }: Book, atMs: number) {
  const [day, since] = [sqlTime(atMs).slice(0, 10), sqlTime(atMs - activeMs).slice(0, 10)];
  const isActive = (series: Series | undefined): boolean => series !== undefined && series.lastOn >= since;
  const taken = new Set<string>();
  let active = [...byName.values()].filter(isActive).length;
  let dropped = 0;
  return {
    /** Returns null for a second reading of a series, and if no series is free. */
    seriesOf: (reading: Reading): Series | null => {
      const { metric, labels, unit } = reading;
      const name = seriesName(reading);
      if (taken.has(name)) return null;
      taken.add(name);
      const known = byName.get(name);
      if (!isActive(known)) {
        const isFull = active >= maxSubjects || (known === undefined && byName.size >= maxEver);
        if (isFull) dropped += 1;
        if (isFull) return null;
        active += 1;
      }
      const series = known ?? { id: null, metric, labels, unit, lastOn: '', counter: null };
      byName.set(name, series);
      if (series.lastOn >= day) return series;
      series.lastOn = day;
      changed.add(series);
      return series;
    },
    counts: () => ({ dropped, full: active >= maxSubjects }),
  };
}

/** Returns a name that identifies a series among those of one client. */
export function seriesName({ metric, labels, unit }: Pick<Reading, 'metric' | 'labels' | 'unit'>): string {
  return `${unit}\n${labels}\n${metric}`;
}

/** Returns the rate since an earlier reading, and the reading from which the next rate is computed. */
function rateOf(
  before: CounterState | null,
  now: CounterState,
): { readonly rate: number | null; readonly counter: CounterState } {
  if (before === null) return { rate: null, counter: now };
  const sinceMs = now.atMs - before.atMs;
  // The reading arrives late, or too soon for a rate.
  if (sinceMs < rateMs.min) return { rate: null, counter: before };
  const isRate = sinceMs <= rateMs.max && now.value >= before.value;
  return { rate: isRate ? ((now.value - before.value) / sinceMs) * 1000 : null, counter: now };
}
