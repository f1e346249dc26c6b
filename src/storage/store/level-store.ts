import { dayMs } from '../../platform/units.ts';

/** The days of levels that are kept: 35 of a forecast, and 90 that a backtest replays. */
export const levelDays = 130;

/** Forecasts are made every hour; older ones than this are of an alerter that no longer runs. */
export const forecastsLastMs = 2 * dayMs;

/** The levels of a mount by the day; the last is today. NaN is unknown. */
export interface MountLevels {
  readonly client: string;
  readonly mount: string;
  readonly sizeBytes: Float64Array;
  /** At the end of the day, or today now. */
  readonly availableBytes: Float64Array;
  /** The greatest of the day. */
  readonly usedBytes: Float64Array;
  /** The greatest of the day. */
  readonly inodesPercent: Float64Array;
}

/** The levels of many mounts. */
export interface FleetLevels {
  /** The beginning of today, UTC by the database's clock. */
  readonly todayMs: number;
  readonly mounts: readonly MountLevels[];
}

/** A row of `forecasts`: a file system that will be full within 90 days if it grows as it does. */
export interface StoredForecast {
  readonly client: string;
  readonly mount: string;
  readonly kind: 'space' | 'inodes';
  /** Days from `asOfMs` on; 0 is full. */
  readonly daysLeft: number;
  readonly daysLow: number;
  /** null: not bounded. */
  readonly daysHigh: number | null;
  /** The same by the growth of the last week alone; null if that is none. */
  readonly shortDays: number | null;
  /** Bytes, or percent of the inodes. */
  readonly growthPerDay: number;
  /** The beginning of the day on which the growth began, UTC. */
  readonly sinceMs: number;
  /** The time at which the forecast was made, by the database's clock. */
  readonly asOfMs: number;
}

/** A forecast before it is stored. */
export type NewForecast = Omit<StoredForecast, 'asOfMs'>;

export interface LevelStore {
  /**
   * Reads the levels of the last days, today's included, of writable local mounts; of all clients if `clients` is null.
   * Days beyond today, stored while a clock was wrong, are left out. `todayMs`: a time of the day that is the last, if
   * that is not the database's today. Throws the signal's reason.
   */
  levels(clients: readonly string[] | null, days: number, signal: AbortSignal, todayMs?: number): Promise<FleetLevels>;
  /** Returns the stored forecasts of these clients, `null`: of all clients; the nearest first. */
  forecasts(clients: readonly string[] | null): Promise<readonly StoredForecast[]>;
}
