import type { Beside } from '../../report/beside.ts';
import type { AlertKey } from '../../about/about.ts';
import type { Alert, Cause, LastNotified } from './alert.ts';
import type { Lease } from './lease-store.ts';
import type { Silence } from './operator-store.ts';
import type { NewMail, RecipientHistory, WaitingMail } from './outbox-store.ts';
import { numberOrNull, type RecordOf, recordShape, time } from './record-shape.ts';

/** The state from which notifications are planned. */
export interface AlerterState {
  /** Alerts that are not closed out: pending, firing, and resolved ones of which a recipient has to be notified. */
  readonly alerts: readonly Alert[];
  /** The state of those alerts that each recipient was last notified of. */
  readonly notified: readonly LastNotified[];
  /** Silences that have not ended. */
  readonly silences: readonly Silence[];
  /** Silences that ended within the last day. The alerts that they muted wait until the client's next row. */
  readonly endedSilences: readonly Silence[];
  readonly histories: readonly RecipientHistory[];
  readonly waiting: readonly WaitingMail[];
  /** Mails that reached DATA and wait: no other mail replaces them. Default: none. */
  readonly begun?: readonly WaitingMail[];
}

export interface NewNotifications {
  readonly mails: readonly NewMail[];
  /** Waiting mails that are not sent any more. Default: none. */
  readonly withdrawn?: readonly number[];
  readonly notified: readonly LastNotified[];
  /** Alerts whose last notification is forgotten, because it was in a replaced or withdrawn mail. Default: none. */
  readonly unnotified?: readonly Pick<LastNotified, 'alertId' | 'recipient'>[];
  readonly closedOut: readonly number[];
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

export const seriesPoint = recordShape({ atMs: time, value: numberOrNull });
export type SeriesPoint = RecordOf<typeof seriesPoint>;

/** A check or a failed unit of a client. */
export interface ExcerptSubject {
  readonly client: string;
  readonly subject: string;
  readonly isUnit: boolean;
}

export interface AskedLook {
  readonly client: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The look of clients beside a lost one. */
export interface StoredLook {
  readonly beside: Beside;
  /** The start of the visit that failed. */
  readonly atMs: number;
  /** The code of the visit that failed. */
  readonly code: string | null;
  /** The clients that get no answer or are refused now, and had reached the lost one in an earlier look. */
  readonly reachedBefore: readonly string[];
}

/** The source of mails, for alerter/dispatch and alerter/compose. */
export interface NotificationStore {
  state(nowMs: number): Promise<AlerterState>;
  /**
   * Stores mails, notifications, the last notified states, closed-out alerts and replaced mails in one fenced
   * transaction. Leaves a mail whose Message-ID is already stored unchanged. Returns `outdated` and changes nothing if
   * a mail to be replaced or withdrawn has reached DATA, or is replaced or done, meanwhile. Throws FleetError `locked`.
   */
  saveNotifications(lease: Lease, notifications: NewNotifications): Promise<'stored' | 'outdated'>;
  /** Stores the causes of alerts, by alert, in one fenced transaction. Throws FleetError `locked`. */
  saveCauses(lease: Lease, causes: ReadonlyMap<number, Cause>): Promise<void>;
  /** Returns the Message-IDs that are stored, out of the given ones. */
  storedMessageIds(messageIds: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Returns the stored alerts of clients, rules and subjects: `client U+0000 rule U+0000 subject U+0000 firstEvidence`.
   */
  storedEpisodes(keys: readonly AlertKey[]): Promise<ReadonlySet<string>>;
  /** Returns the sources of network mounts (`nas:/srv`), by `client U+0000 mount`. */
  exportsOf(
    mounts: readonly { readonly client: string; readonly mount: string }[],
  ): Promise<ReadonlyMap<string, string>>;
  /** Returns the distribution, or else the kernel, of each client's newest report. Omits clients without a report. */
  systemsOf(clients: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Returns the lines that the newest report of a client has below the text of a check, or about a failed unit, by
   * `client U+0000 subject`. Omits subjects without lines.
   */
  excerptsOf(subjects: readonly ExcerptSubject[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Returns the newest look at each client in a span, by client. Omits clients without one. */
  looksOf(asked: readonly AskedLook[]): Promise<ReadonlyMap<string, StoredLook>>;
  /** Returns how often each alert and the earlier ones of its client, rule and subject began to fire since a time. */
  timesFired(alertIds: readonly number[], sinceMs: number): Promise<ReadonlyMap<number, number>>;
  /**
   * Returns the values of one column over time, oldest first: the last day of a chart. `used_percent` and
   * `inodes_percent` are values of the mount; without a mount the list is empty.
   */
  series(client: string, column: SeriesColumn, mount: string | null, sinceMs: number): Promise<readonly SeriesPoint[]>;
}
