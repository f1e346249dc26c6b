/** The days of levels that are kept: 35 of a forecast, and 90 that a backtest replays. */
export const levelDays = 130;

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

export interface LevelStore {
  /**
   * Reads the levels of the last days, today's included, of writable local mounts; of all clients if `clients` is null.
   * Days beyond today, stored while a clock was wrong, are left out. Throws the signal's reason.
   */
  levels(clients: readonly string[] | null, days: number, signal: AbortSignal): Promise<FleetLevels>;
}
