import type { Report } from '../../report/report.ts';
import type { FigureTable, StoredSeries } from './look-store.ts';
import {
  type Column,
  json,
  number,
  numberOrNull,
  type RecordOf,
  recordShape,
  text,
  textOrNull,
  time,
} from './record-shape.ts';
import type { Program } from './run.ts';

/** A table that is exported. The figures of checks are their states. */
export type ExportedTable = FigureTable | 'check_stats' | 'samples';

/** A row of a figure table, or of its hours or days, as it is stored. */
export type FigureRow = Readonly<Record<string, string | number | null>>;

/** A client with its newest report. */
export interface NewestReport {
  readonly client: string;
  readonly address: string | null;
  /** The newest observation, sealed reports that wait included; null without a report. */
  readonly lastReportAtMs: number | null;
  /** The number of failed visits since the last good one. */
  readonly consecutiveFailures: number;
  /** The id of the newest row of `stats`; null without one. */
  readonly statId: number | null;
  readonly observedAtMs: number | null;
  /** The requested columns. */
  readonly row: FigureRow;
}

/** A row of `stats`. */
export interface RecentReport extends Pick<NewestReport, 'client' | 'row'> {
  readonly statId: number;
}

export interface RecentReportsAsked {
  readonly clients: readonly string[];
  /** Columns of `stats`. */
  readonly columns: readonly string[];
  readonly sinceMs: number;
  /** The most reports of a client. */
  readonly limit: number;
}

/** The kind of a client by its newest inventory. */
export const inventoryKind = recordShape({
  client: text,
  os: textOrNull,
  osVersion: textOrNull,
  kernel: textOrNull,
  architecture: textOrNull,
  cpus: numberOrNull,
  memoryBytes: numberOrNull,
});
export type InventoryKind = RecordOf<typeof inventoryKind>;

/** A run that came to its end. */
export const finishedRun = recordShape({
  startedAtMs: time,
  finishedAtMs: time,
  succeeded: number,
  failed: number,
  skipped: number,
});
export type FinishedRun = RecordOf<typeof finishedRun>;

/** The kind of a stored row: a report, or the rollup of an hour or a day. */
export type Resolution = 'row' | 'hour' | 'day';

/** The rows of a client, or of one of its mounts, interfaces or checks, from one time to before another. */
export interface FigureSpan {
  readonly client: string;
  readonly table: ExportedTable;
  readonly resolution: Resolution;
  readonly columns: readonly string[];
  /** null for all mounts, interfaces or checks. */
  readonly subject: FigureSubject | null;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface FigureSubject {
  /** The mount, interface or check, or the id of the series. */
  readonly name: string;
  /** The file system of a mount; empty for others, for hours and days, and if it is unknown. */
  readonly fstype: string;
}

/** A sample of a report, with its series. */
export interface NewestSample extends StoredSeries {
  readonly statId: number;
  readonly value: number;
}

/** A page of rows, with the place to continue from; null after the last page. */
export interface FigurePage {
  readonly rows: readonly FigureRow[];
  readonly next: readonly (string | number)[] | null;
}

/** A report as it arrived. */
export const wholeReport = recordShape({
  statId: number,
  client: text,
  observedAtMs: time,
  // The report was checked before it was stored, and the database refuses text that is not JSON.
  report: json as Column<Report>,
});
export type WholeReport = RecordOf<typeof wholeReport>;

export interface ReportsBehind {
  /** The id of a row of `stats`. */
  readonly statId: number;
  /** The time of the oldest observation. */
  readonly sinceMs: number;
  /**
   * The end of the reports: the first report that was received later. A report with a lower id may not be committed
   * yet.
   */
  readonly receivedUntilMs: number;
  readonly limit: number;
}

/** The queries for the newest reports. Change nothing. */
export interface FigureStore {
  /** Returns every client with its newest report, by name. `columns`: columns of `stats`. */
  newestReports(columns: readonly string[]): Promise<readonly NewestReport[]>;
  /** Returns the newest report of each client with one since a time. `columns`: columns of `stats`. */
  newestSince(columns: readonly string[], sinceMs: number): Promise<readonly RecentReport[]>;
  /** Returns the newest reports of clients, newest first for each client. */
  recentReports(asked: RecentReportsAsked): Promise<readonly RecentReport[]>;
  /** Returns the kind of every client that has an inventory. */
  inventoryKinds(): Promise<readonly InventoryKind[]>;
  /** Counts the mounts, interfaces or checks of reports. */
  countSubjects(table: SubjectTable, statIds: readonly number[]): Promise<number>;
  /** Counts the figures of the checks of reports. An equals sign in a label counts as one more. */
  countCheckValues(statIds: readonly number[]): Promise<number>;
  /** Returns the mounts, interfaces or checks of reports, by report, with `stat_id`. */
  subjects(table: SubjectTable, statIds: readonly number[], columns: readonly string[]): Promise<readonly FigureRow[]>;
  /** Counts the samples of reports from textfiles and programs, without rates. */
  countOwnSamples(statIds: readonly number[]): Promise<number>;
  /** Returns the samples that countOwnSamples counts. */
  ownSamples(statIds: readonly number[]): Promise<readonly NewestSample[]>;
  /** Returns the newest finished full run of a program by a collector other than these; null if there is none. */
  lastFinished(program: Program, except?: ReadonlySet<string>): Promise<FinishedRun | null>;
}

/** The queries for exports. Change nothing. */
export interface ExportStore {
  /**
   * Returns the series of a client, by metric and labels. Of two series of one name, the one with newer samples comes
   * first.
   */
  series(client: string): Promise<readonly StoredSeries[]>;
  /**
   * Returns the time before which days are exported and from which hours are. Each report then counts once, although
   * its hour and its day both contain it. Returns null if no hours of the client are kept.
   */
  hoursBegin(client: string, table: ExportedTable): Promise<number | null>;
  /** Returns the mounts, interfaces or checks that a client had in a span. */
  subjectsBetween(span: Omit<FigureSpan, 'columns' | 'subject'>): Promise<readonly FigureSubject[]>;
  /** Returns whole reports behind a row of `stats`, in the order in which they were stored. */
  reportsBehind(asked: ReportsBehind): Promise<readonly WholeReport[]>;
  /** Returns the id of the newest row of `stats`; null without one. */
  lastStatId(): Promise<number | null>;
  /** Returns rows in the order of their time, behind a place. */
  page(span: FigureSpan, after: FigurePage['next'], limit: number): Promise<FigurePage>;
}

export type SubjectTable = Exclude<ExportedTable, 'stats'>;
