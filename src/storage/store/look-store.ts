import type { CheckStat } from '../../checks/checks.ts';
import type { Alert } from './alert.ts';
import type { StoredLogLine } from './detail-store.ts';
import type { Program, RunFact } from './run.ts';

/** A table of figures that are kept as rows, then by the hour, then by the day. */
export type FigureTable = 'stats' | 'disk_stats' | 'network_stats';

/** Equal steps of time. */
export interface Grid {
  readonly sinceMs: number;
  /** A divisor or a multiple of an hour. */
  readonly stepMs: number;
  readonly points: number;
  /** The end of what is read, within the last step. */
  readonly untilMs: number;
  /**
   * Only rows of the first so many milliseconds of each step are read: a sample in place of the whole. null: all rows.
   */
  readonly sampleMs: number | null;
}

/** The figures of a client, or of one of its mounts or interfaces, on a grid. */
export interface GridFigures {
  /** The mount or interface; empty for `stats`. */
  readonly subject: string;
  /** The figures by column: the least, mean and greatest value of each step; null is unknown. */
  readonly figures: ReadonlyMap<string, GridFigure>;
}

export interface GridFigure {
  readonly least: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly most: readonly (number | null)[];
}

/** Figures of clients to read on a grid. */
export interface FiguresQuery {
  readonly clients: readonly string[];
  readonly table: FigureTable;
  /** Numeric columns of the table. */
  readonly columns: readonly string[];
  /** The columns of which the least and the greatest value are read too; of the others the mean stands for both. */
  readonly ranges: readonly string[];
  readonly grid: Grid;
}

export interface Watch {
  readonly signal: AbortSignal;
  /** Called with the share that is done, 1 at the end. */
  readonly onProgress: (share: number) => void;
}

/** The figures of many clients, held in little memory. */
export interface FleetFigures {
  /** Returns the figures of a client by subject, with so many steps of the grid put together into one. */
  of(client: string, stepFactor?: number): readonly GridFigures[];
}

export interface VisitCount {
  readonly visits: number;
  readonly succeeded: number;
}

export interface RunSpan {
  readonly startedAtMs: number;
  /** null: it runs, or was killed. */
  readonly finishedAtMs: number | null;
}

/** A client's CPU on a grid, and its visits of the same span. */
export interface FleetLine extends VisitCount {
  readonly cpu: readonly (number | null)[];
}

/** A series of a client, as the table `series` has it. */
export interface StoredSeries {
  readonly id: number;
  readonly metric: string;
  /** A JSON object. */
  readonly labels: string;
  readonly unit: string;
}

/** Series of figures of checks and of samples to choose from. */
export interface SeriesQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A series that had a sample in a span, or soon after it. */
export interface KnownSeries extends StoredSeries {
  /** True if its value changed between some reports of the span; null if these reports did not have it. */
  readonly isVaried: boolean | null;
}

/** The checks of a client's newest report. */
export interface ClientCheckRows {
  /** The checks that are not OK, with the first 300 characters of their texts. */
  readonly bad: readonly CheckStat[];
  readonly ok: number;
}

/** Lines of logs whose reports are of a span. */
export interface LogLinesQuery {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The most lines of a client. */
  readonly limit: number;
}

/** Reading figures and visits for plots. Changes nothing. */
export interface PlotStore {
  /** Returns figures of a client on a grid, by subject. `columns`: numeric columns of the table. */
  gridFigures(
    client: string,
    table: FigureTable,
    columns: readonly string[],
    grid: Grid,
  ): Promise<readonly GridFigures[]>;
  /** Returns lines of some clients, by name. Reads rows that are kept, not what hours and days were made of. */
  fleetLines(clients: readonly string[], grid: Grid): Promise<ReadonlyMap<string, FleetLine>>;
  /** Reads figures of many clients on a grid. Throws the signal's reason. */
  fleetFigures(query: FiguresQuery, watch: Watch): Promise<FleetFigures>;
  /** Counts the series of clients that had a sample since a day, without counters. A client without any is left out. */
  seriesCounts(clients: readonly string[], sinceMs: number): Promise<ReadonlyMap<string, number>>;
  /** Returns these series of a client, by metric and labels. */
  knownSeries(client: string, query: SeriesQuery): Promise<readonly KnownSeries[]>;
  /**
   * Reads the samples of some series of clients on a grid. A subject is the id of a series. Throws the signal's reason.
   */
  seriesFigures(series: ReadonlyMap<string, readonly number[]>, grid: Grid, watch: Watch): Promise<FleetFigures>;
  /** Returns a client's visits of a span, counted; null without visits. */
  visitCount(client: string, sinceMs: number, untilMs: number): Promise<VisitCount | null>;
  /** Counts visits by client; a client without any is left out. Throws the signal's reason. */
  visitCounts(query: Pick<FiguresQuery, 'clients' | 'grid'>, watch: Watch): Promise<ReadonlyMap<string, VisitCount>>;
}

/** Reading runs, alerts, checks and lines of logs for pages. Changes nothing. */
export interface RecordStore {
  /** Returns the newest runs of all programs, the newest first. */
  newestRuns(limit: number): Promise<readonly RunFact[]>;
  /**
   * Returns the runs of a program that began in a span and the last one before it, the oldest first, without those that
   * overlapped.
   */
  runsBetween(program: Program, sinceMs: number, untilMs: number): Promise<readonly RunSpan[]>;
  /**
   * Returns the checks of the newest reports of clients, of those before a time if one is given. A client without
   * checks is left out.
   */
  checksOfClients(clients: readonly string[], beforeMs: number | null): Promise<ReadonlyMap<string, ClientCheckRows>>;
  /** Returns the newest lines of the logs of clients, newest first. A client without any is left out. */
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
  /** Returns the alert of an id; null if there is none. */
  alert(id: number): Promise<Alert | null>;
}

/** Reading for reports and pages, beside `History`. Users take the part that they need. */
export type LookStore = PlotStore & RecordStore;
