/** src/storage/store: the contract. */
import type { Alert, LastNotified, Transition } from './alert.ts';
import type { RowPlace, UnprocessedReport, UnprocessedVisit } from './evaluation-store.ts';
import { type Column, type RecordOf, recordShape, text, time } from './record-shape.ts';

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

export const sentNotification = recordShape({
  client: text,
  rule: text,
  subject: text,
  recipient: text,
  transition: text as Column<Transition>,
  notifiedAtMs: time,
});
export type SentNotification = RecordOf<typeof sentNotification>;

/** Stored alerts and rows, for alerter/explain, alerter/replay and cli/alerts. */
export interface AlertHistory {
  /** Returns a client's newest report and visit, processed or not. */
  newestRows(client: string): Promise<NewestRows>;
  /** Returns alerts, newest first. */
  alertsOf(filter: AlertFilter): Promise<readonly Alert[]>;
  notificationsOf(alertIds: readonly number[]): Promise<readonly LastNotified[]>;
  /** Returns rows behind a place in time order, processed or not, cut off as `EvaluationStore.unprocessed` does. */
  replay(sinceMs: number, after: RowPlace | null, limit: number): Promise<ReplayPage>;
  /** Returns the notifications of recipients since a time, oldest first, without mails that were replaced. */
  notifiedSince(sinceMs: number): Promise<readonly SentNotification[]>;
}
