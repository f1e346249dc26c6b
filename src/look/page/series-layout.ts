/**
 * The layout of a client's figures in a page. Node writes it (encode-series.ts) and browsers read it
 * (browser/decode-series.ts). The text is base64 of a zlib stream (RFC 1950). The stream has the header's length in
 * bytes (32 bits, little endian), the header as JSON in UTF-8, and one byte per point for each series of the header.
 *
 * A byte is the value's place between `low` and `high` in `steps` steps, or `unknown`. The body stores the difference
 * from the byte before, modulo 256.
 */
export const steps = 254;
export const unknown = 255;

export type SeriesGroup = 'cpu' | 'memory' | 'load' | 'disk' | 'received' | 'sent' | 'units' | 'series';

/** The unit of the values of group `series`. */
export type SeriesUnit = 'seconds' | 'bytes' | 'percent' | 'ratio' | 'count' | 'per_second';

export interface SeriesHead {
  readonly group: SeriesGroup;
  /**
   * The mount, the interface, or another name that distinguishes a series of its group: `mean`, `least`, `most`,
   * `swap`.
   */
  readonly name: string;
  /** The title of the plot and the unit; only in group `series`. */
  readonly plot?: string;
  readonly unit?: SeriesUnit;
  /** The least and the greatest value; both 0 if no value is known. */
  readonly low: number;
  readonly high: number;
}

/** A span in seconds since 1970; `to` is null while it lasts. */
interface HistorySpan {
  readonly from: number;
  readonly to: number | null;
}

export interface HistoryAlert extends HistorySpan {
  /** The figures that the alert is about; null if no plot shows them. */
  readonly group: SeriesGroup | null;
  /** The title of the plot; only in group `series`. */
  readonly plot?: string;
  readonly rule: string;
  readonly subject: string;
  /** `pending`: the time for which the limit had to be violated before the alert fired. */
  readonly severity: 'warning' | 'critical' | 'pending';
}

/** A limit of config.xml that is drawn into a plot. */
export interface HistoryLimit {
  readonly group: SeriesGroup;
  readonly severity: 'warning' | 'critical';
  readonly value: number;
}

export interface HistoryHead {
  /** The beginning of the first point in seconds since 1970, and the seconds from point to point. */
  readonly start: number;
  readonly step: number;
  readonly points: number;
  readonly cpus: number | null;
  readonly series: readonly SeriesHead[];
  readonly limits: readonly HistoryLimit[];
  readonly alerts: readonly HistoryAlert[];
  /** Seconds since 1970. */
  readonly boots: readonly number[];
  /** The times at which changes of the client's state were found, in seconds since 1970. */
  readonly changes: readonly number[];
  /** The number of further series of checks and textfiles that are not drawn. */
  readonly moreSeries: number;
}
