import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import type { Report } from '../../report/report.ts';
import type { AlertKey, RuleState, Alert, LastNotified, Transition } from './alert.ts';
import type { Mail, MailSummary, NewMail, RecipientHistory, Unsent, WaitingMail } from './mail.ts';
import type { SealedSummary } from './sealed-store.ts';
import type { NewestRows, ReplayPage, RowPlace, UnprocessedBatch } from './unprocessed-rows.ts';
import type { Program } from './run.ts';
import type { RunFact } from './run.ts';
import type { StateDiskFact } from './state-disk-fact.ts';

export type {
  NewestRows,
  ReplayPage,
  RowPlace,
  UnprocessedBatch,
  UnprocessedReport,
  UnprocessedVisit,
} from './unprocessed-rows.ts';
export type { Mail, MailSummary, NewMail, RecipientHistory, Unsent, WaitingMail } from './mail.ts';

export interface SeenClient {
  readonly name: string;
  readonly firstSeenMs: number;
  readonly lastVisitAtMs: number | null;
  /** Of its newest report; one that waits sealed counts from when it was received. */
  readonly lastReportAtMs: number | null;
}

/** Patterns are globs, as in config.xml. */
export interface Silence {
  readonly id: number;
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly author: string;
  readonly comment: string;
}

/** What telling looks at. */
export interface AlerterState {
  /** Open (pending, firing) and closed ones that are not settled. */
  readonly alerts: readonly Alert[];
  /** Of those alerts. */
  readonly told: readonly LastNotified[];
  /** That have not ended. */
  readonly silences: readonly Silence[];
  /** That have ended within the last day: what they held back waits until the client's next row. */
  readonly endedSilences: readonly Silence[];
  readonly histories: readonly RecipientHistory[];
  readonly waiting: readonly WaitingMail[];
  /** Mails that came as far as DATA and wait all the same: nothing takes their place. Left out: there are none. */
  readonly begun?: readonly WaitingMail[];
}

/** Who may change what the alerter stores; see design: fencing. */
export interface Lease {
  readonly name: string;
  readonly epoch: number;
  readonly holder: string;
}

/** Whole reports by the id of their row, of which a few are in memory at a time. */
export interface StoredReports {
  get(id: number): Promise<Report | undefined> | Report | undefined;
}

/**
 * What the alerter may do. Every change that takes a lease is one fenced transaction: when somebody else has taken the
 * lease it throws FleetError `locked` and nothing was changed. Throws FleetError also when the database is away or full.
 */
export interface AlertStore {
  /** The database's clock. */
  nowMs(): Promise<number>;
  /** Free, or untouched for 60 s on the database's clock (epoch + 1): ours. null: somebody else is at work. */
  takeLease(name: string, holder: string): Promise<Lease | null>;
  /** Who has it; null: nobody. */
  leaseHolder(name: string): Promise<string | null>;
  /** So that nobody takes it while there is nothing to store: between mails, for instance. Throws FleetError `locked`. */
  touchLease(lease: Lease): Promise<void>;
  /** Frees it at once. Nothing happens when it is no longer ours. */
  releaseLease(lease: Lease): Promise<void>;

  /**
   * Oldest first by time then id, at most `limit` of each kind. Both kinds are cut off at the same time, so that the order
   * holds over both and from one batch to the next. `after`: those behind where another batch ended, whether that one
   * is marked as treated yet or not.
   */
  unprocessed(limit: number, after?: RowPlace | null): Promise<UnprocessedBatch>;
  disksOf(statIds: readonly number[]): Promise<ReadonlyMap<number, readonly DiskRow[]>>;
  networksOf(statIds: readonly number[]): Promise<ReadonlyMap<number, readonly NetworkRow[]>>;
  /** What mounts are of, where that lies on another machine (`nas:/srv`), by `client U+0000 mount`. */
  exportsOf(
    mounts: readonly { readonly client: string; readonly mount: string }[],
  ): Promise<ReadonlyMap<string, string>>;
  /** The distribution, or else the kernel, of each client's newest report; clients without one are left out. */
  systemsOf(clients: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Whole reports, where they are still kept. They are asked for in the order of the ids. */
  reportsOf(statIds: readonly number[]): Promise<StoredReports>;
  /** null: of all clients. */
  openAlerts(clients: readonly string[] | null): Promise<readonly Alert[]>;
  ruleStates(clients: readonly string[]): Promise<ReadonlyMap<string, RuleState>>;
  /**
   * One fenced transaction: marks exactly these rows as treated (another count rolls back), stores alerts (new where id
   * is null) and ruleStates. Large sets are written with few statements. Of a stored alert neither its name nor what
   * people acknowledged is changed, but that it ends when the alert gets worse. Rows that somebody else treated are FleetError `storage-failed`.
   */
  saveProcessed(lease: Lease, judged: ProcessedRows): Promise<void>;

  /** Its newest full run that did not overlap another, however old; null: none is stored. */
  lastRunOf(collectorId: string): Promise<RunFact | null>;
  /** Newest first. */
  runs(program: Program, sinceMs: number): Promise<readonly RunFact[]>;
  seenClients(): Promise<readonly SeenClient[]>;
  /** Sealed reports that no `ingest` has opened yet. */
  sealedWaiting(): Promise<readonly SealedSummary[]>;
  /** How full file systems of the programs themselves were when they were spoken of since that time. */
  stateDisks(sinceMs: number): Promise<readonly StateDiskFact[]>;
  state(nowMs: number): Promise<AlerterState>;
  /**
   * One fenced transaction: mails, notifications, told rows, settled alerts, replaced mails. A mail whose Message-ID is
   * stored already is left as it is: it was told before. `outdated`: one of the mails to be replaced has come as far as
   * DATA, or is replaced or done, meanwhile; nothing was changed, and telling looks at the state anew.
   */
  saveNotifications(lease: Lease, telling: NewNotifications): Promise<'stored' | 'outdated'>;

  /**
   * Critical ones first, then oldest first: not sent, not failed, not replaced, claimed by nobody, due by the database's
   * clock (a pause further ahead than an hour, which is the longest, counts as over, and so does a claim of more than a day).
   */
  dueMails(limit: number): Promise<readonly Mail[]>;
  /**
   * A committed UPDATE on the database's clock; counts as an attempt. A claim that ran out may be taken, and the holder may
   * claim again. False: somebody else has it, or it is done, replaced or put off.
   */
  claimMail(id: number, holder: string, forMs: number): Promise<boolean>;
  /**
   * Before DATA, committed. Throws FleetError `locked` unless the holder's claim still runs and the mail was not replaced:
   * then it must not be sent. The three after it throw the same when somebody else has claimed the mail meanwhile.
   */
  markDataBegun(id: number, holder: string): Promise<void>;
  markSent(id: number, holder: string): Promise<void>;
  markPutOff(id: number, holder: string, nextAttemptInMs: number, error: string): Promise<void>;
  markFailed(id: number, holder: string, error: string): Promise<void>;
  /**
   * Drops a claimed mail whose recipient left config.xml, and forgets what it would have been the first to tell. False: it
   * tells the end of something that the recipient was sent, so it is still due.
   */
  dropMail(mail: Pick<Mail, 'id' | 'recipient'>, holder: string): Promise<boolean>;
  /** Gives up a mail for good. False: it is sent, replaced, discarded, or being sent just now. */
  discardMail(id: number): Promise<boolean>;
  /** Waiting and failed ones, oldest first; at most 1,000. */
  undelivered(): Promise<readonly MailSummary[]>;
  /** What these alerts' recipients have not been sent; at most one entry for an alert and recipient. */
  unsentOf(alertIds: readonly number[]): Promise<readonly Unsent[]>;

  addSilence(silence: Omit<Silence, 'id'>): Promise<number>;
  silences(nowMs: number): Promise<readonly Silence[]>;
  /** False: no such silence, or it has ended. */
  expireSilence(id: number, nowMs: number): Promise<boolean>;
  /**
   * A collector that is no more: its runs are nobody's from then on, and its open alerts end. One that runs again is known
   * again. False: there is no such collector.
   */
  forgetCollector(collectorId: string): Promise<boolean>;
  /** Deletes all rows of a client, in batches. False: there is no such client. Throws the signal's reason. */
  forgetClient(client: string, signal: AbortSignal): Promise<boolean>;
  /** Of open alerts; returns how many there were. A null time holds as long as the alert; it ends when that gets worse. */
  acknowledge(ids: readonly number[], by: string, untilMs: number | null, comment: string | null): Promise<number>;

  /** Ends the acknowledgement of open alerts; returns how many had one. */
  unacknowledge(ids: readonly number[]): Promise<number>;

  /** A client's newest report and visit, treated or not. */
  newestRows(client: string): Promise<NewestRows>;
  /** For `explain`, `alerts`, charts and replay. Newest first. */
  alertsOf(filter: AlertFilter): Promise<readonly Alert[]>;
  notificationsOf(alertIds: readonly number[]): Promise<readonly LastNotified[]>;
  /**
   * Values of one column of stats over time, oldest first: the last day of a chart. `used_percent` and `inodes_percent`
   * are of the mount; without one there are none.
   */
  series(client: string, column: SeriesColumn, mount: string | null, sinceMs: number): Promise<readonly SeriesPoint[]>;
  /** Treated and unprocessed rows in time order, page by page, for replay, cut off as `unprocessed` is: after this place. */
  replay(sinceMs: number, after: RowPlace | null, limit: number): Promise<ReplayPage>;
  /** What was told since, oldest first, mails that were replaced left out: for the difference that replay shows. */
  notifiedSince(sinceMs: number): Promise<readonly SentNotification[]>;
}

export interface ProcessedRows {
  readonly statIds: readonly number[];
  readonly visitIds: readonly number[];
  readonly alerts: readonly Alert[];
  readonly ruleStates: ReadonlyMap<string, RuleState>;
  /** Stored alerts whose acknowledgement ended because they got worse, whatever they are now; left out: none. */
  readonly noLongerAcknowledged?: readonly number[];
}

export interface NewNotifications {
  readonly mails: readonly NewMail[];
  readonly told: readonly LastNotified[];
  readonly closedOut: readonly number[];
}

export interface AlertFilter {
  readonly client?: string;
  readonly rule?: string;
  readonly openOnly: boolean;
  readonly limit: number;
}

export type SeriesColumn =
  | 'cpu_percent'
  | 'memory_percent'
  | 'swap_percent'
  | 'load5'
  | 'disk_percent'
  | 'processes'
  | 'used_percent'
  | 'inodes_percent';

export interface SeriesPoint {
  readonly atMs: number;
  readonly value: number | null;
}

export interface SentNotification extends AlertKey {
  readonly recipient: string;
  readonly transition: Transition;
  readonly notifiedAtMs: number;
}
