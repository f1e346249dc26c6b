import type { AboutKey } from '../../about/about.ts';
import type { LastNotified, StoredNotification, Transition } from './alert.ts';
import type { Lease } from './lease-store.ts';
import { number, type RecordOf, recordShape, text, textOrNull, time, timeOrNull, severity } from './record-shape.ts';

/** A recipient's recent mails. */
export interface RecipientHistory {
  readonly recipient: string;
  /** The created_at of the mails of the last hour, without replaced mails. */
  readonly createdAtMs: readonly number[];
  /** The created_at of the newest mail with only warnings, recoveries and reminders; null if there is none. */
  readonly lastOrdinaryAtMs: number | null;
  /**
   * The urgent mails of the last hour by each client for which they report a new or worse alert, and by `@` and the
   * name of each such group. Default: none.
   */
  readonly urgentOfClient?: ReadonlyMap<string, number>;
}

/** A mail that never reached DATA. A mail with the same notifications and more may replace it. */
export interface WaitingMail extends Pick<Mail, 'id' | 'recipient' | 'messageId' | 'createdAtMs'> {
  readonly items: readonly StoredNotification[];
}

/** A notification of an alert that a recipient has not been sent since the last sent mail. */
export interface Unsent {
  readonly alertId: number;
  readonly recipient: string;
  /** `not-delivered`: tried and not accepted, or refused for good; `discarded`: a person gave the mail up. */
  readonly delivery: 'queued' | 'not-delivered' | 'discarded';
  /** The time at which the oldest such mail was made. */
  readonly sinceMs: number;
  /** The newest fault; `null` if there is none. */
  readonly error: string | null;
}

/** A digest as it was mailed: its name and its span. */
export interface MailedDigest {
  readonly name: string;
  readonly fromMs: number;
  /** The beginning and the end of the last time within the span without runs; the end of the span if there is none. */
  readonly seenToMs: number;
  readonly seenAgainMs: number;
  readonly toMs: number;
}

/** A mail with its final text. */
export interface NewMail extends Pick<Mail, 'recipient' | 'messageId' | 'content' | 'severity'> {
  /** True if the mail has only warnings, recoveries and reminders. */
  readonly ordinary: boolean;
  /**
   * The token that identifies replies to the mail. Default: the mail accepts no replies. The receipt of a sent message
   * takes its place.
   */
  readonly replyToken?: string | null;
  readonly notifications: readonly StoredNotification[];
  /** The digest that the mail is. Default: none. */
  readonly digest?: MailedDigest | null;
  /** The waiting mails that this mail replaces. */
  readonly replaces: readonly number[];
}

/** A mail without its content. */
export const mailSummary = recordShape({
  id: number,
  recipient: text,
  messageId: text,
  severity,
  createdAtMs: time,
  attempts: number,
  nextAttemptAtMs: timeOrNull,
  /** The time at which DATA was begun: the mail may have been delivered. */
  dataAtMs: timeOrNull,
  sentAtMs: timeOrNull,
  failedAtMs: timeOrNull,
  error: textOrNull,
});
export type MailSummary = RecordOf<typeof mailSummary>;

export interface Mail extends MailSummary {
  /** The message (RFC 5322) as it is sent: CRLF line ends, headers included. */
  readonly content: string;
}

/** A mail that was sent before the database forgot it. */
export interface SentBefore {
  readonly id: number;
  readonly atMs: number;
  /** See OutboxStore.markSent. */
  readonly receipt?: string | undefined;
}

/** The notification of an alert in a mail, without ids, which a database may give anew. */
export interface Told extends AboutKey, Pick<LastNotified, 'state' | 'severity' | 'sequence' | 'notifiedAtMs'> {
  readonly firstEvidence: string;
  readonly transition: Transition;
  /** The beginning of the alert. */
  readonly sinceMs: number;
  /** The time of the newest row that the told state follows from. The recipient knows the alert up to this time. */
  readonly asOfMs: number;
}

/** The queue of mails, for alerter/deliver. Only the holder of a claim sends a mail. */
export interface OutboxStore {
  /**
   * Returns mails that are due by the database's clock, critical ones first, then oldest first: not sent, failed,
   * replaced or claimed. A pause of more than an hour counts as over, and so does a claim of more than a day: both were
   * stored under another clock.
   */
  dueMails(limit: number): Promise<readonly Mail[]>;
  /**
   * Claims a mail in a committed UPDATE by the database's clock, which counts as an attempt. A claim that ran out may
   * be taken, and the holder may claim again. Returns false if the mail is claimed by another holder, done, replaced or
   * put off.
   */
  claimMail(id: number, holder: string, forMs: number): Promise<boolean>;
  /**
   * Records DATA before it is sent. Throws FleetError `locked` unless the holder's claim still runs and the mail was
   * not replaced. Then the mail must not be sent. The three methods after it throw `locked` if another has claimed the
   * mail.
   */
  markDataBegun(id: number, holder: string): Promise<void>;
  /**
   * Marks a mail as sent. `atMs`: the time at which it was sent. Default: now. `receipt`: by which the receiver says
   * later that somebody has acknowledged it. Default: none.
   */
  markSent(id: number, holder: string, atMs?: number, receipt?: string): Promise<void>;
  /** Puts a mail off. `isRefused`: the receiver has certainly not accepted it, so another mail may replace it. */
  markPutOff(id: number, holder: string, nextAttemptInMs: number, error: string, isRefused?: boolean): Promise<void>;
  /**
   * Gives up a refused mail. The recipient counts as notified of the ends of the alerts in it that have ended, so that
   * no end follows of an alert that was never delivered. `mayBeTaken`: the receiver may have accepted a part of the
   * mail, so these ends stay due.
   */
  markFailed(id: number, holder: string, error: string, mayBeTaken?: boolean): Promise<void>;
  /** Marks mails as sent that were sent before the database forgot it. Throws FleetError `locked`. */
  markSentBefore(lease: Lease, sent: readonly SentBefore[]): Promise<void>;
  /** Returns the notifications of a mail, and whether the mail is an ordinary one (NewMail.ordinary). */
  toldBy(id: number): Promise<{ readonly ordinary: boolean; readonly told: readonly Told[] }>;
  /** Returns `open` if an alert of the mail fires, `ended` if all its alerts have ended, `none` if it has none. */
  alertsOfMail(id: number): Promise<'open' | 'ended' | 'none'>;
  /**
   * Drops a claimed mail whose recipient left config.xml, and forgets the notified states that the mail would have been
   * the first to report. If the mail may have arrived, these states and their ends count. Returns false if the mail
   * reports the end of an alert that the recipient was notified of: then it is still due.
   */
  dropMail(mail: Pick<Mail, 'id' | 'recipient' | 'dataAtMs'>, holder: string): Promise<boolean>;
}

/** Mails that were not delivered, for alerter/explain and cli/alerts. */
export interface MailStore {
  /** Returns the mails with these tokens, by token. */
  withTokens(tokens: readonly string[]): Promise<ReadonlyMap<string, MailSummary>>;
  /** Returns waiting and failed mails, oldest first; at most 1,000. */
  undelivered(): Promise<readonly MailSummary[]>;
  /**
   * Returns the notifications that the recipients of these alerts were not sent; at most one entry for an alert and
   * recipient.
   */
  unsentOf(alertIds: readonly number[]): Promise<readonly Unsent[]>;
  /**
   * Makes a mail due now, a permanently refused one too, which gets the token in place of the one that it lost. Returns
   * false if the mail is sent, replaced, discarded, or being sent.
   */
  resendMail(id: number, replyToken: string): Promise<boolean>;
  /** Gives up a mail for good. Returns false if the mail is sent, replaced, discarded, or being sent. */
  discardMail(id: number): Promise<boolean>;
}
