import { dayMs } from '../../platform/units.ts';
import { type Column, day, number, numberOrNull, type RecordOf, recordShape, text, time } from './record-shape.ts';

/** The days of levels that are kept: 35 of a forecast, and 90 that a backtest replays. */
export const levelDays = 130;

/** The age at which forecasts expire. They are made every hour, so older ones come from a stopped alerter. */
export const forecastsLastMs = 2 * dayMs;

/** The levels of a mount by day; the last day is today. NaN is unknown. */
export interface MountLevels {
  readonly client: string;
  readonly mount: string;
  readonly sizeBytes: Float64Array;
  /** The available bytes at the end of the day; for today, now. */
  readonly availableBytes: Float64Array;
  /** The greatest value of the day. */
  readonly usedBytes: Float64Array;
  /** The greatest value of the day. */
  readonly inodesPercent: Float64Array;
}

/** The levels of many mounts. */
export interface FleetLevels {
  /** The beginning of today, UTC by the database's clock. */
  readonly todayMs: number;
  readonly mounts: readonly MountLevels[];
}

/** A row of `forecasts`: a file system that will be full within 90 days at its present growth. */
export const storedForecast = recordShape({
  client: text,
  mount: text,
  kind: text as Column<'space' | 'inodes'>,
  /** The days from `asOfMs` on; 0 is full. */
  daysLeft: number,
  daysLow: number,
  /** null if there is no upper bound. */
  daysHigh: numberOrNull,
  /** The days by the growth of the last week alone; null if there was none. */
  shortDays: numberOrNull,
  /** The growth in bytes, or in percent of the inodes. */
  growthPerDay: number,
  /** The beginning of the day on which the growth began, UTC. */
  sinceMs: day,
  /** The time at which the forecast was made, by the database's clock. */
  asOfMs: time,
});
export type StoredForecast = RecordOf<typeof storedForecast>;

/** A forecast before it is stored. */
export type NewForecast = Omit<StoredForecast, 'asOfMs'>;

export interface LevelStore {
  /**
   * Reads the levels of the last days, today's included, of writable local mounts; of all clients if `clients` is null.
   * Omits later days, which were stored under a wrong clock. `todayMs` is a time of the last day. Default: the
   * database's today. Throws the signal's reason.
   */
  levels(clients: readonly string[] | null, days: number, signal: AbortSignal, todayMs?: number): Promise<FleetLevels>;
  /** Returns the stored forecasts of these clients, nearest first; of all clients if `clients` is `null`. */
  forecasts(clients: readonly string[] | null): Promise<readonly StoredForecast[]>;
}
