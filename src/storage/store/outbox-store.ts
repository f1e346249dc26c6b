import type { Severity } from '../../config/config.ts';
import type { StoredNotification } from './alert.ts';

/** A recipient's recent mails. */
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
export interface WaitingMail extends Pick<Mail, 'id' | 'recipient' | 'createdAtMs'> {
  readonly items: readonly StoredNotification[];
}

/** News of an alert that has not been sent to a recipient since the last mail that was. */
export interface Unsent {
  readonly alertId: number;
  readonly recipient: string;
  /** `not-delivered`: tried and not taken, or refused for good; `discarded`: somebody gave the mail up. */
  readonly delivery: 'queued' | 'not-delivered' | 'discarded';
  /** The time at which the oldest such mail was made. */
  readonly sinceMs: number;
  /** The newest fault; `null` if there is none. */
  readonly error: string | null;
}

/** A mail in its words, frozen. */
export interface NewMail extends Pick<Mail, 'recipient' | 'messageId' | 'content' | 'severity'> {
  /** Nothing but warnings, recoveries and reminders. */
  readonly ordinary: boolean;
  /** Marks replies to it; left out: it takes none. */
  readonly replyToken?: string | null;
  readonly notifications: readonly StoredNotification[];
  /** Waiting mails that it takes the place of. */
  readonly replaces: readonly number[];
}

export interface Mail {
  readonly id: number;
  readonly recipient: string;
  readonly messageId: string;
  /** RFC 5322, as it is sent: CRLF line ends, headers included. */
  readonly content: string;
  readonly severity: Severity;
  readonly createdAtMs: number;
  readonly attempts: number;
  readonly nextAttemptAtMs: number | null;
  /** The time at which DATA was begun: the mail may have been delivered. */
  readonly dataAtMs: number | null;
  readonly sentAtMs: number | null;
  readonly failedAtMs: number | null;
  readonly error: string | null;
}

/** A mail without its words. */
export type MailSummary = Omit<Mail, 'content'>;

/** The queue of mails, for alerter/deliver. The holder of a claim alone sends a mail. */
export interface OutboxStore {
  /**
   * Returns mails that are due by the database's clock, critical ones first, then oldest first: not sent, not failed,
   * not replaced, claimed by nobody. A pause of more than an hour counts as over, and so does a claim of more than a
   * day: both were stored under another clock.
   */
  dueMails(limit: number): Promise<readonly Mail[]>;
  /**
   * Claims a mail in a committed UPDATE on the database's clock, which counts as an attempt. A claim that ran out may
   * be taken, and the holder may claim again. Returns false if another holds the mail, or it is done, replaced or put
   * off.
   */
  claimMail(id: number, holder: string, forMs: number): Promise<boolean>;
  /**
   * Records DATA before it is sent. Throws FleetError `locked` unless the holder's claim still runs and the mail was
   * not replaced: the mail must not be sent then. The three methods after it throw `locked` if another has claimed the
   * mail.
   */
  markDataBegun(id: number, holder: string): Promise<void>;
  markSent(id: number, holder: string): Promise<void>;
  markPutOff(id: number, holder: string, nextAttemptInMs: number, error: string): Promise<void>;
  markFailed(id: number, holder: string, error: string): Promise<void>;
  /**
   * Drops a claimed mail whose recipient left config.xml, and forgets what it would have been the first to tell.
   * Returns false if it tells the end of something that the recipient was sent: it is still due then.
   */
  dropMail(mail: Pick<Mail, 'id' | 'recipient'>, holder: string): Promise<boolean>;
}

/** Mails that were not delivered, for alerter/explain and cli/alerts. */
export interface UndeliveredStore {
  /** Returns waiting and failed mails, oldest first; at most 1,000. */
  undelivered(): Promise<readonly MailSummary[]>;
  /** Returns what these alerts' recipients have not been sent; at most one entry for an alert and recipient. */
  unsentOf(alertIds: readonly number[]): Promise<readonly Unsent[]>;
  /** Gives up a mail for good. Returns false if it is sent, replaced, discarded, or being sent just now. */
  discardMail(id: number): Promise<boolean>;
}
