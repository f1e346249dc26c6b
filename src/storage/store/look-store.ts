import type { CheckStat } from '../../report/checks/checks.ts';
import type { AlertKey } from '../../about/about.ts';
import type { Alert } from './alert.ts';
import type { StoredLogLine } from './detail-store.ts';
import { number, type RecordOf, recordShape, text, time, timeOrNull } from './record-shape.ts';
import type { Program, RunFact } from './run.ts';

/** A table of figures that are kept as rows, then by the hour, then by the day. */
export type FigureTable = 'stats' | 'disk_stats' | 'network_stats';

/** Equal steps of time. */
export interface Grid {
  readonly sinceMs: number;
  /** The length of a step: a divisor or a multiple of an hour. */
  readonly stepMs: number;
  readonly points: number;
  /** The end of the rows to read, within the last step. */
  readonly untilMs: number;
  /**
   * The milliseconds from the beginning of each step in which rows are read: a sample in place of all rows. null: all
   * rows.
   */
  readonly sampleMs: number | null;
}

/** The figures of a client, or of one of its mounts or interfaces, on a grid. */
export interface GridFigures {
  /** The mount or interface; empty for `stats`. */
  readonly subject: string;
  /** The figures by column: the least, mean and greatest value of each step; null if unknown. */
  readonly figures: ReadonlyMap<string, GridFigure>;
}

export interface GridFigure {
  readonly min: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

/** Figures of clients to read on a grid. */
export interface FiguresQuery {
  readonly clients: readonly string[];
  readonly table: FigureTable;
  /** Numeric columns of the table. */
  readonly columns: readonly string[];
  /** The columns whose least and greatest values are read too. For the others the mean stands for both. */
  readonly ranges: readonly string[];
  readonly grid: Grid;
}

export interface Watch {
  readonly signal: AbortSignal;
  /** Called with the finished share of the work, 1 at the end. */
  readonly onProgress: (share: number) => void;
}

/** The figures of many clients, stored compactly. */
export interface FleetFigures {
  /** Returns the figures of a client by subject, with `stepFactor` steps of the grid put together into one. */
  of(client: string, stepFactor?: number): readonly GridFigures[];
}

export interface VisitCount {
  readonly visits: number;
  readonly succeeded: number;
}

export const runSpan = recordShape({
  startedAtMs: time,
  /** null while the run is under way, and after it was killed. */
  finishedAtMs: timeOrNull,
});
export type RunSpan = RecordOf<typeof runSpan>;

/** A client's CPU on a grid, and its visits of the same span. */
export interface FleetLine extends VisitCount {
  readonly cpu: readonly (number | null)[];
  /** The visits of equal pieces of the last day, oldest first; null for a piece without a visit. */
  readonly pieces: readonly (VisitCount | null)[];
}

/** A day that ends now, in equal pieces. */
export interface VisitPieces {
  readonly sinceMs: number;
  readonly pieceMs: number;
  readonly pieces: number;
}

/** A series of a client, as in the table `series`. */
export const storedSeries = recordShape({
  id: number,
  metric: text,
  /** The labels as a JSON object. */
  labels: text,
  unit: text,
});
export type StoredSeries = RecordOf<typeof storedSeries>;

/** The choice among series of figures of checks and of samples. */
export interface SeriesQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A series that had a sample in a span, or soon after it. */
export interface KnownSeries extends StoredSeries {
  /** True if the value changed between some reports of the span; null if these reports did not have the series. */
  readonly isVaried: boolean | null;
}

/** The checks of a client's newest report. */
export interface ClientCheckRows {
  /** The checks that are not OK, with the first 300 characters of their texts. */
  readonly bad: readonly CheckStat[];
  readonly ok: number;
}

/** The lines of logs whose reports are in a span. */
export interface LogLinesQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The most lines of a client. */
  readonly limit: number;
}

/** The queries for plots of figures and visits. Change nothing. */
export interface PlotStore {
  /** Returns figures of a client on a grid, by subject. `columns`: numeric columns of the table. */
  gridFigures(
    client: string,
    table: FigureTable,
    columns: readonly string[],
    grid: Grid,
  ): Promise<readonly GridFigures[]>;
  /** Returns lines of some clients, by name. Reads only rows that are still kept, not rollups. */
  fleetLines(clients: readonly string[], grid: Grid, day: VisitPieces): Promise<ReadonlyMap<string, FleetLine>>;
  /** Reads figures of many clients on a grid. Throws the signal's reason. */
  fleetFigures(query: FiguresQuery, watch: Watch): Promise<FleetFigures>;
  /** Counts the series of clients that had a sample since a day, without counters. Omits clients without series. */
  seriesCounts(clients: readonly string[], sinceMs: number): Promise<ReadonlyMap<string, number>>;
  /** Returns these series of a client, by metric and labels. */
  knownSeries(client: string, query: SeriesQuery): Promise<readonly KnownSeries[]>;
  /**
   * Reads the samples of some series of clients on a grid. The subject is the id of a series. Throws the signal's
   * reason.
   */
  seriesFigures(series: ReadonlyMap<string, readonly number[]>, grid: Grid, watch: Watch): Promise<FleetFigures>;
  /** Returns the time of the first kept report of a client, of rollups too; null: of all clients, without rollups. */
  firstReportMs(client: string | null): Promise<number | null>;
  /** Counts a client's visits in a span. Returns null without visits. */
  visitCount(client: string, sinceMs: number, untilMs: number): Promise<VisitCount | null>;
  /** Counts visits by client. Omits clients without visits. Throws the signal's reason. */
  visitCounts(query: Pick<FiguresQuery, 'clients' | 'grid'>, watch: Watch): Promise<ReadonlyMap<string, VisitCount>>;
}

/** The queries for pages of runs, alerts, checks and lines of logs. Change nothing. */
export interface RecordStore {
  /** Returns the newest runs of all programs, the newest first. */
  newestRuns(limit: number): Promise<readonly RunFact[]>;
  /**
   * Returns the runs of a program that began in a span, and the last run before it, oldest first. Omits overlapped
   * runs.
   */
  runsBetween(program: Program, sinceMs: number, untilMs: number): Promise<readonly RunSpan[]>;
  /**
   * Returns the checks of the newest reports of clients; with a time, of the newest reports before it. Omits clients
   * without checks.
   */
  checksOfClients(clients: readonly string[], beforeMs: number | null): Promise<ReadonlyMap<string, ClientCheckRows>>;
  /** Returns the newest lines of the logs of clients, newest first. Omits clients without lines. */
  logLinesOfClients(
    clients: readonly string[],
    query: LogLinesQuery,
  ): Promise<ReadonlyMap<string, readonly StoredLogLine[]>>;
  /**
   * Returns alerts that were open at some time of a span, the oldest first: at most `limit` open and `limit` others.
   */
  alertsBetween(sinceMs: number, untilMs: number, limit: number): Promise<readonly Alert[]>;
  /** Returns alerts of a client that were open at some time of a span, the oldest first, the newest `limit`. */
  alertsOfClient(client: string, sinceMs: number, untilMs: number, limit: number): Promise<readonly Alert[]>;
  /** Returns the alerts of a client, a rule and a subject that were open since a time, newest first. */
  alertsLike(key: AlertKey, sinceMs: number, limit: number): Promise<readonly Alert[]>;
  /** Returns the alert of an id; null if there is none. */
  alert(id: number): Promise<Alert | null>;
}
