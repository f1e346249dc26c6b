/** src/storage/store: the contract. */
import { aboutShape, type Alert, type ClosedReason, type LastNotified, type Transition } from './alert.ts';
import type { RowPlace, UnprocessedReport, UnprocessedVisit } from './evaluation-store.ts';
import {
  type Column,
  number,
  type RecordOf,
  recordShape,
  severity,
  text,
  textOrNull,
  time,
  timeOrNull,
} from './record-shape.ts';

export interface NewestRows {
  readonly report: UnprocessedReport | null;
  readonly visit: UnprocessedVisit | null;
}

export interface ReplayPage {
  readonly reports: readonly UnprocessedReport[];
  readonly visits: readonly UnprocessedVisit[];
  readonly next: RowPlace | null;
}

export interface AlertFilter {
  readonly client?: string;
  readonly rule?: string;
  readonly openOnly: boolean;
  readonly limit: number;
}

const sentShape = recordShape({
  about: text,
  client: text,
  rule: text,
  subject: text,
  recipient: text,
  transition: text as Column<Transition>,
  notifiedAtMs: time,
});
export const sentNotification = aboutShape(sentShape);
export type SentNotification = RecordOf<typeof sentNotification>;

const pastShape = recordShape({
  id: number,
  about: text,
  client: text,
  rule: text,
  subject: text,
  severity,
  limitText: text,
  pendingSinceMs: time,
  firingSinceMs: timeOrNull,
  resolvedAtMs: timeOrNull,
  closedReason: textOrNull as Column<ClosedReason | null>,
  acknowledgedBy: textOrNull,
});
/** The part of a stored alert that proposals need. */
export const pastAlert = aboutShape(pastShape);
export type PastAlert = RecordOf<typeof pastAlert>;

/** A notification in a mail. */
export const mailedNotification = recordShape({ alertId: number, mailId: number, recipient: text, createdAtMs: time });
export type MailedNotification = RecordOf<typeof mailedNotification>;

/** Stored alerts and rows, for alerter/explain, alerter/replay, alerter/tune and cli/alerts. */
export interface AlertHistory {
  /** Returns a client's newest report and visit, processed or not. */
  newestRows(client: string): Promise<NewestRows>;
  /** Returns alerts, newest first. */
  alertsOf(filter: AlertFilter): Promise<readonly Alert[]>;
  notificationsOf(alertIds: readonly number[]): Promise<readonly LastNotified[]>;
  /**
   * Returns rows behind a place in time order, processed or not, cut off as `EvaluationStore.unprocessed` does. With
   * `clients` the rows of these clients in the next hour, whatever `limit` is; `next` is its end then.
   */
  replay(
    sinceMs: number,
    after: RowPlace | null,
    limit: number,
    clients?: readonly string[] | null,
  ): Promise<ReplayPage>;
  /** Returns the notifications of recipients since a time, oldest first, without mails that were replaced. */
  notifiedSince(sinceMs: number): Promise<readonly SentNotification[]>;
  /**
   * Returns the alerts that are open or ended since a time, oldest first, those that never fired included. Throws the
   * reason of an abort.
   */
  pastAlerts(sinceMs: number, signal: AbortSignal): Promise<readonly PastAlert[]>;
  /**
   * Returns the notifications of changes since a time, without mails that were replaced or withdrawn. Throws the reason
   * of an abort.
   */
  mailedSince(sinceMs: number, signal: AbortSignal): Promise<readonly MailedNotification[]>;
  /** Returns the worst values of these alerts, without those that have none. */
  worstValues(alertIds: readonly number[]): Promise<readonly number[]>;
}
