/**
 * The database behind small stores, one for each thing that a room does in it. Promises: the same behaviour on every
 * database; prepared statements only; a storage fault is a FleetError of stage `storage` and never a client's state.
 *
 * Times are milliseconds since 1970 here and UTC in the tables.
 */
import type { Report } from '../../report/report.ts';
import type { AlertHistory } from './alert-history.ts';
import type { EvaluationStore } from './evaluation-store.ts';
import type { EventStore } from './event-store.ts';
import type { ExportStore, FigureStore } from './figure-store.ts';
import type { FleetStore, StateDiskFact, StateDiskReport } from './fleet-store.ts';
import type { DetailStore } from './detail-store.ts';
import type { CauseStore, ChangeStore } from './digest-store.ts';
import type { DigestStore } from './digest-store.ts';
import type { LevelStore } from './level-store.ts';
import type { PlotStore, RecordStore } from './look-store.ts';
import type { LeaseStore } from './lease-store.ts';
import type { NotificationStore } from './notification-store.ts';
import type { OperatorStore } from './operator-store.ts';
import type { MailStore, OutboxStore } from './outbox-store.ts';
import type { LinkStore } from './operator-store.ts';
import type { ReplyStore } from './reply-store.ts';
import type { FileSpace } from '../sql/database.ts';
import type { SealedItem, SealedStore } from './sealed-store.ts';
import type { ShareStore } from './share-store.ts';
import {
  type Program,
  type Reader,
  readerOrNull,
  type RunEnd,
  type RunFact,
  type RunStart,
  type VisitRecord,
} from './run.ts';
import { number, numberOrNull, type RecordOf, recordShape, text, textOrNull, timeOrNull } from './record-shape.ts';

export type { Reader, VisitRecord };

/** The list of small stores. A room takes the stores that it uses, as `Pick<Storage, ...>`. */
export interface Storage {
  readonly reports: ReportStore;
  readonly leases: LeaseStore;
  readonly evaluation: EvaluationStore;
  readonly fleet: FleetStore;
  readonly notifications: NotificationStore;
  readonly outbox: OutboxStore;
  readonly mails: MailStore;
  readonly operator: OperatorStore;
  readonly replies: ReplyStore;
  readonly links: LinkStore;
  readonly alertHistory: AlertHistory;
  readonly retention: RetentionStore;
  readonly history: History;
  readonly plots: PlotStore;
  readonly records: RecordStore;
  readonly levels: LevelStore;
  readonly figures: FigureStore;
  readonly exports: ExportStore;
  readonly detail: DetailStore;
  readonly digest: DigestStore;
  readonly changes: ChangeStore;
  readonly causes: CauseStore;
  readonly sealed: SealedStore;
  readonly events: EventStore;
  readonly shares: ShareStore;
  readonly stored: StoredStore;
  /**
   * Opens the same storage on another server of the database, to look there until the signal is aborted. null: there is
   * none. Throws FleetError if none answers.
   */
  elsewhere(signal: AbortSignal): Promise<Pick<Storage, 'stored' | 'close'> | null>;
  /** Returns the database's clock. */
  nowMs(): Promise<number>;
  close(): Promise<void>;
}

/** A report that was opened, parsed and freed of implausible values. */
export interface IngestItem {
  readonly client: string;
  readonly report: Report;
  readonly receivedAtMs: number;
  readonly observedAtMs: number;
  readonly collectedAtMs: number;
  readonly clockOffsetMs: number | null;
  /** The row of `sealed_reports` that held the report, which the storing transaction removes. Default: none. */
  readonly sealedRow?: number;
}

export type IngestResult =
  /**
   * The report is stored. `seriesDropped` counts figures for which no series was free; set for the first such report of
   * its client.
   */
  | { readonly kind: 'stored'; readonly seriesDropped?: number }
  /** The same report of the same client is stored already. The caller acknowledges, deletes and counts it. */
  | { readonly kind: 'duplicate' }
  /** The report id is stored for another client. */
  | { readonly kind: 'foreign'; readonly owner: string }
  /** The database refuses this one row; `message` holds the database's words. */
  | { readonly kind: 'refused'; readonly message: string };

/** A client as the collector knows it. */
export const storedFacts = recordShape({
  name: text,
  address: text,
  lastVisitAtMs: timeOrNull,
  lastReportAtMs: timeOrNull,
  consecutiveFailures: number,
  /** The failures among them that do not count for `unreachable`: of filtered runs, and of host keys. */
  uncountedFailures: number,
  /** The code of the last visit if it failed. */
  failedCode: textOrNull,
  nextAttemptAtMs: timeOrNull,
  /** The digest of config.xml at the last visit, if the next attempt has to wait; otherwise null. */
  attemptDigest: textOrNull,
  bootId: textOrNull,
  inventoryAtMs: timeOrNull,
  reader: readerOrNull,
  /** The stamp at the newest state report; null before the first. */
  stateStamp: textOrNull,
  /** The time of the newest attempt to get a state report, and the number of attempts of its day, UTC. */
  stateAtMs: timeOrNull,
  stateRuns: number,
  /** The time at which an alert last asked for a state report. */
  stateWantedAtMs: timeOrNull,
});
export type ClientFacts = RecordOf<typeof storedFacts>;

/** A client with its labels in config.xml. */
export interface LabelledClient {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ReportStore {
  startRun(run: RunStart): Promise<void>;
  /** Stores the end of a run. Idempotent. Creates the row if startRun never succeeded. */
  endRun(start: RunStart, end: RunEnd): Promise<void>;
  /**
   * Stores runs of the past, in one transaction; a run whose end is null as a running one. Leaves a run unchanged that
   * is stored with its end.
   */
  saveRuns(runs: readonly { readonly start: RunStart; readonly end: RunEnd | null }[]): Promise<void>;
  /** Returns the times at which the runs of a collector began since a time, by the runs' ids. */
  runsOf(collectorId: string, sinceMs: number): Promise<ReadonlyMap<string, number>>;
  /** Stores visits, idempotent by (run, client), and updates `clients`, in one transaction for each batch. */
  saveVisits(visits: readonly VisitRecord[]): Promise<void>;
  /**
   * Stores a batch. Returns one result for each item in the same order. Halves a batch that fails for another reason
   * than connection, lock, read-only or space, down to the row, so that one report does not stop the others. Reports
   * named `Inventory report` become rows of `inventory` if something changed, those named `State report` change
   * `state`. Throws FleetError if the database is away or full.
   */
  ingest(items: readonly IngestItem[]): Promise<readonly IngestResult[]>;
  /** Stores reports that another machine opens in `sealed_reports`, unchanged. */
  saveSealed(items: readonly SealedItem[]): Promise<readonly IngestResult[]>;
  /** Returns the facts of every client, by name. */
  clientFacts(): Promise<ReadonlyMap<string, ClientFacts>>;
  /** Sets the labels of these clients. Other clients keep their labels. */
  saveLabels(clients: readonly LabelledClient[]): Promise<void>;
  /** Returns the digests of the sections of a client's stored state, by kind. */
  stateDigests(client: string): Promise<Readonly<Record<string, string>>>;
  /** Stores how full the program's own file systems are. Returns the facts stored before. */
  saveStateDisks(report: StateDiskReport): Promise<readonly StateDiskFact[]>;
}

/** The ids of rows that the database has confirmed. */
export interface StoredIds {
  readonly reports: Iterable<string>;
  readonly runs: Iterable<string>;
  /** The runs whose visits are looked for. */
  readonly runsOfVisits: Iterable<string>;
  readonly events: Iterable<string>;
}

/** The rows among them that the database has. */
export interface PresentIds {
  /** Reports as rows of their content, or sealed. */
  readonly reports: ReadonlySet<string>;
  /** Runs, with true if the end is stored. */
  readonly runs: ReadonlyMap<string, boolean>;
  /** The clients of the stored visits of each run. */
  readonly visits: ReadonlyMap<string, ReadonlySet<string>>;
  readonly events: ReadonlySet<string>;
}

/** Looks for rows that the database has confirmed. Throws FleetError. */
export interface StoredStore {
  present(ids: StoredIds): Promise<PresentIds>;
  /** Returns the time by which old rows are removed, at most `nowMs`. */
  pruneNowMs(nowMs: number): Promise<number>;
  /**
   * Returns the server or file in words, with the settings that let it forget what it has confirmed, and whether it
   * holds no run.
   */
  server(): Promise<string>;
}

/** Renames and removes rows. */
export interface RetentionStore {
  /** Moves all rows of a client to its new name, once. Returns true if there were any. */
  renameClient(from: string, to: string): Promise<boolean>;
  /** Deletes all rows of a client, in batches. Returns false if there is no such client. Throws the signal's reason. */
  forgetClient(client: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Removes the collector's id from its runs and ends its open alerts. A collector that runs again is known again.
   * Returns false if there is no such collector.
   */
  forgetCollector(collectorId: string): Promise<boolean>;
  /**
   * Deletes rows older than the limits, in small batches and oldest first, until done or the signal aborts. Adds rows
   * of `stats` and the rows that refer to them to the rollups before their removal, each once. Returns counts.
   */
  prune(limits: PruneLimits, signal: AbortSignal, onStep?: (removed: PruneResult) => void): Promise<PruneResult>;
  /** Counts the rows that `prune` would remove. Changes nothing. */
  countPrunable(limits: PruneLimits): Promise<PruneResult>;
  /** Returns the use of space in the database's file; null if the database is a server. */
  fileSpace(): Promise<FileSpace | null>;
}

export interface PruneLimits {
  readonly nowMs: number;
  readonly rawMs: number;
  readonly detailMs: number;
  /** The retention of lines of logs. Default: rawMs. */
  readonly logsMs?: number;
  /** The retention of ended alerts, mails and silences. Default: rawMs. */
  readonly alertsMs?: number;
  /** The retention of visits. Default: rawMs. */
  readonly visitsMs?: number;
  /** The retention of changes of the state of clients. Default: rawMs. */
  readonly changesMs?: number;
  /** The retention of hours. null: rows are not added to hourly rollups, and existing ones stay. */
  readonly hourlyMs: number | null;
  readonly dailyMs: number | null;
  /** True to give back all freed space of an SQLite file, not only the space beyond a tenth of the file. */
  readonly freeAll?: boolean;
}

/** Counts of removed rows. */
export interface PruneResult {
  readonly stats: number;
  readonly reports: number;
  readonly visits: number;
  readonly runs: number;
  /** The rows of stats_hourly, disk_stats_hourly and the other hourly tables together. */
  readonly hourly: number;
  readonly daily: number;
  /** The bytes given back to the file system; 0 if the database keeps them for new rows. */
  readonly freedBytes: number;
  /** True if there are more rows to remove, because the time was over. */
  readonly more: boolean;
}

/** A line of `status`. */
export const clientStatus = recordShape({
  client: text,
  address: text,
  lastVisitAtMs: timeOrNull,
  lastReportAtMs: timeOrNull,
  observedAtMs: timeOrNull,
  consecutiveFailures: number,
  /** The earliest time of the next attempt, because the client refused the login; null: at the next run. */
  nextAttemptAtMs: timeOrNull,
  reader: readerOrNull,
  hostname: textOrNull,
  os: textOrNull,
  uptimeSeconds: numberOrNull,
  cpuPercent: numberOrNull,
  memoryPercent: numberOrNull,
  diskPercent: numberOrNull,
  /** The fullest local mount; `diskPercent` is its value. */
  diskMount: textOrNull,
  load5: numberOrNull,
  cpus: numberOrNull,
  /** The code of the newest visit if it failed. */
  errorCode: textOrNull,
  errorMessage: textOrNull,
});
export type ClientStatus = RecordOf<typeof clientStatus>;

export interface History {
  /** Returns every client with its newest report and its newest visit; with a time, the newest before that time. */
  clients(beforeMs?: number): Promise<readonly ClientStatus[]>;
  /** Returns one client; null if it was never visited. */
  client(name: string): Promise<ClientStatus | null>;
  /**
   * Returns the newest run of a program, without overlapped runs and runs of these collectors; with a time, the newest
   * run that has ended and began by then.
   */
  lastRun(program: Program, except?: ReadonlySet<string>, endedByMs?: number): Promise<RunFact | null>;
  /** Runs one read-only statement and returns its rows as text, for the demo and for tests. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}
