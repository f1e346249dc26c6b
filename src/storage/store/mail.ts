import type { Severity } from '../../config/config.ts';
import type { StoredNotification } from './alert.ts';

/** One recipient's mails of late. */
export interface RecipientHistory {
  readonly recipient: string;
  /** created_at of the mails of the last hour, those replaced left out. */
  readonly createdAtMs: readonly number[];
  /** created_at of the newest mail that held nothing but warnings, recoveries and reminders; null: none. */
  readonly lastOrdinaryAtMs: number | null;
  /** Urgent mails of the last hour by each client that they tell something new or worse of; left out: none. */
  readonly urgentOfClient?: ReadonlyMap<string, number>;
}

/** A mail that never came as far as DATA: it may be replaced by one that carries its news and more. */
export interface WaitingMail {
  readonly id: number;
  readonly recipient: string;
  readonly createdAtMs: number;
  readonly items: readonly StoredNotification[];
}

/** News of an alert that has not been sent to a recipient since the last mail that was. */
export interface Unsent {
  readonly alertId: number;
  readonly recipient: string;
  /** `not-delivered`: tried and not taken, or refused for good; `discarded`: somebody gave the mail up. */
  readonly delivery: 'queued' | 'not-delivered' | 'discarded';
  /** When the oldest such mail was made. */
  readonly sinceMs: number;
  /** The newest fault; null: there is none. */
  readonly error: string | null;
}

/** A mail in its words, frozen. */
export interface NewMail {
  readonly recipient: string;
  readonly messageId: string;
  /** RFC 5322, as it will be sent: CRLF line ends, headers included. */
  readonly content: string;
  readonly severity: Severity;
  /** Nothing but warnings, recoveries and reminders. */
  readonly ordinary: boolean;
  readonly notifications: readonly StoredNotification[];
  /** Waiting mails that it takes the place of. */
  readonly replaces: readonly number[];
}

export interface Mail {
  readonly id: number;
  readonly recipient: string;
  readonly messageId: string;
  readonly content: string;
  readonly severity: Severity;
  readonly createdAtMs: number;
  readonly attempts: number;
  readonly nextAttemptAtMs: number | null;
  /** DATA was begun once: it may have been delivered. */
  readonly dataAtMs: number | null;
  readonly sentAtMs: number | null;
  readonly failedAtMs: number | null;
  readonly error: string | null;
}

/** A mail without its words. */
export type MailSummary = Omit<Mail, 'content'>;
