/**
 * The database behind narrow interfaces: ReportStore for the collector, the parts of AlertStore for the alerter and the
 * people who use it, History for readers. Promises: the same behaviour on SQLite and on MySQL/MariaDB; prepared
 * statements only; a storage fault is a FleetError of stage `storage` and never a client's state.
 *
 * Times are milliseconds since 1970 here and UTC in the tables.
 */
import type { Report } from '../../report/report.ts';
import type { AlertHistory } from './alert-history.ts';
import type { EvaluationStore } from './evaluation-store.ts';
import type { EventStore } from './event-store.ts';
import type { FigureStore } from './figure-store.ts';
import type { FleetStore, StateDiskFact, StateDiskReport } from './fleet-store.ts';
import type { DetailStore } from './detail-store.ts';
import type { DigestStore } from './digest-store.ts';
import type { LevelStore } from './level-store.ts';
import type { LookStore } from './look-store.ts';
import type { LeaseStore } from './lease-store.ts';
import type { NotificationStore } from './notification-store.ts';
import type { OperatorStore } from './operator-store.ts';
import type { OutboxStore, UndeliveredStore } from './outbox-store.ts';
import type { ReplyStore } from './reply-store.ts';
import type { FileSpace } from '../dialects/sqlite/reclaim.ts';
import type { SealedItem, SealedStore } from './sealed-store.ts';
import type { ShareStore } from './share-store.ts';
import type { Program, Reader, RunEnd, RunFact, RunStart, VisitRecord } from './run.ts';

export type { Reader, VisitRecord };

/** Everything that is stored of alerts. Users take the part that they need. */
export type AlertStore = LeaseStore &
  EvaluationStore &
  FleetStore &
  NotificationStore &
  OutboxStore &
  UndeliveredStore &
  OperatorStore &
  LevelStore &
  ReplyStore &
  AlertHistory;

export interface Storage {
  readonly reports: ReportStore;
  readonly alerts: AlertStore;
  readonly retention: RetentionStore;
  readonly history: History;
  readonly look: LookStore;
  readonly levels: LevelStore;
  readonly figures: FigureStore;
  readonly detail: DetailStore;
  readonly digest: DigestStore;
  readonly sealed: SealedStore;
  readonly events: EventStore;
  readonly shares: ShareStore;
  close(): Promise<void>;
}

/** A report that was opened, parsed and freed of values out of any sense. */
export interface IngestItem {
  readonly client: string;
  readonly report: Report;
  readonly receivedAtMs: number;
  readonly observedAtMs: number;
  readonly collectedAtMs: number;
  readonly clockOffsetMs: number | null;
  /** The row of `sealed_reports` that it was in: removed in the transaction that stores it. Left out: in none. */
  readonly sealedRow?: number;
}

export type IngestResult =
  /** `seriesDropped`: the first report of its client with figures for which no series was free, and how many. */
  | { readonly kind: 'stored'; readonly seriesDropped?: number }
  /** The same report of the same client is stored already: acknowledge, delete, count. */
  | { readonly kind: 'duplicate' }
  /** The report id is stored for another client. */
  | { readonly kind: 'foreign'; readonly owner: string }
  /** The database refuses this one row; `message` holds its words. */
  | { readonly kind: 'refused'; readonly message: string };

/** A client as the collector knows it. */
export interface ClientFacts {
  readonly name: string;
  readonly address: string;
  readonly lastVisitAtMs: number | null;
  readonly lastReportAtMs: number | null;
  readonly consecutiveFailures: number;
  /** The code of the last visit if it failed. */
  readonly failedCode: string | null;
  readonly nextAttemptAtMs: number | null;
  /** The digest of config.xml with which it was visited last, where the next attempt has to wait; else null. */
  readonly attemptDigest: string | null;
  readonly bootId: string | null;
  readonly inventoryAtMs: number | null;
  readonly reader: Reader | null;
}

/** A client with its labels, as config.xml has them. */
export interface LabelledClient {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ReportStore {
  startRun(run: RunStart): Promise<void>;
  /** Idempotent, and makes the run's row when startRun never came through (the journal's replay). */
  endRun(start: RunStart, end: RunEnd): Promise<void>;
  /** Stores a run of another collector. Leaves one that has ended: a replayed request would end it later. */
  endForwardedRun(start: RunStart, end: RunEnd): Promise<void>;
  /** Visit rows, idempotent by (run, client), and what they change in `clients`, in one transaction a batch. */
  saveVisits(visits: readonly VisitRecord[]): Promise<void>;
  /**
   * Stores a batch, one result an item in the same order. A batch that fails for another reason than connection, lock,
   * read-only or space is halved down to the row, so that one report does not stop the others. Reports named
   * `Inventory report` go to `inventory` when something changed. Throws FleetError when the database is away or full.
   */
  ingest(items: readonly IngestItem[]): Promise<readonly IngestResult[]>;
  /** Stores reports that are opened elsewhere in `sealed_reports` as they are. */
  saveSealed(items: readonly SealedItem[]): Promise<readonly IngestResult[]>;
  /** Returns the facts of every client, by name. */
  clientFacts(): Promise<ReadonlyMap<string, ClientFacts>>;
  /** Makes the labels of these clients what they are now. Other clients keep theirs. */
  saveLabels(clients: readonly LabelledClient[]): Promise<void>;
  /** Stores how full the program's own file systems are. Returns what was stored of them before. */
  saveStateDisks(report: StateDiskReport): Promise<readonly StateDiskFact[]>;
}

/** Renames and removes rows. */
export interface RetentionStore {
  /** Moves all rows of a client to its new name, once. Returns whether there were any. */
  renameClient(from: string, to: string): Promise<boolean>;
  /** Deletes all rows of a client, in batches. Returns false if there is no such client. Throws the signal's reason. */
  forgetClient(client: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Takes the collector's id from its runs and ends its open alerts. A collector that runs again is known again.
   * Returns false if there is no such collector.
   */
  forgetCollector(collectorId: string): Promise<boolean>;
  /**
   * Deletes what is older than the limits, in small batches and oldest first, until done or the signal aborts. Rows of
   * `stats` and what hangs on them are added to the rollups before they go, each once. Returns counts.
   */
  prune(limits: PruneLimits, signal: AbortSignal, onStep?: (removed: PruneResult) => void): Promise<PruneResult>;
  /** Counts what prune would remove; changes nothing. */
  countPrunable(limits: PruneLimits): Promise<PruneResult>;
  /** Returns the space of an SQLite file; `null` if the database is a server. */
  fileSpace(): Promise<FileSpace | null>;
}

export interface PruneLimits {
  readonly nowMs: number;
  readonly rawMs: number;
  readonly detailMs: number;
  /** Lines of logs. Default: rawMs. */
  readonly logsMs?: number;
  /** null: rows are not added to rollups of an hour, and those that are there stay. */
  readonly hourlyMs: number | null;
  readonly dailyMs: number | null;
  /** Gives all freed space of an SQLite file back, not only what is beyond a tenth of it. */
  readonly freeAll?: boolean;
}

/** Counts of removed rows. */
export interface PruneResult {
  readonly stats: number;
  readonly reports: number;
  readonly visits: number;
  readonly runs: number;
  /** Rows of stats_hourly, disk_stats_hourly and their like together. */
  readonly hourly: number;
  readonly daily: number;
  /** Given back to the file system; 0 where the database keeps it for new rows. */
  readonly freedBytes: number;
  /** True if there is more to remove: the time was over. */
  readonly more: boolean;
}

/** A line of `status`. */
export interface ClientStatus {
  readonly client: string;
  readonly address: string;
  readonly lastVisitAtMs: number | null;
  readonly lastReportAtMs: number | null;
  readonly observedAtMs: number | null;
  readonly consecutiveFailures: number;
  /** Not before then is the client tried again, because it refused the login; null: at the next run. */
  readonly nextAttemptAtMs: number | null;
  readonly reader: Reader | null;
  readonly hostname: string | null;
  readonly os: string | null;
  readonly uptimeSeconds: number | null;
  readonly cpuPercent: number | null;
  readonly memoryPercent: number | null;
  readonly diskPercent: number | null;
  /** The fullest local mount, whose value is `diskPercent`. */
  readonly diskMount: string | null;
  readonly load5: number | null;
  readonly cpus: number | null;
  /** The code of the newest visit if it failed. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

export interface History {
  /** Returns every client with its newest report and its newest visit; with a time, with those of before that time. */
  clients(beforeMs?: number): Promise<readonly ClientStatus[]>;
  /** Returns one client; null if it was never visited. */
  client(name: string): Promise<ClientStatus | null>;
  /** Returns the newest run of a program, without those that overlapped and those of these collectors. */
  lastRun(program: Program, except?: ReadonlySet<string>): Promise<RunFact | null>;
  /** Runs one read-only statement and hands back its rows as text: for the demo and for tests. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}
