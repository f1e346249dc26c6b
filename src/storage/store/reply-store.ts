import { dayMs } from '../../platform/units.ts';
import type { Lease } from './lease-store.ts';

/** The age beyond which a mail accepts no replies: somebody who finds the mail could reply to it. */
export const repliesValidMs = 14 * dayMs;

/** The place at which the reading of a mailbox ended. */
export interface MailboxPosition {
  /** The UIDVALIDITY. Message ids count anew when the server changes it (RFC 3501, section 2.3.1.1). */
  readonly uidValidity: string;
  /** The greatest message id that was read. */
  readonly uid: number;
  /** The newest arrival that was read, by the server's clock. */
  readonly arrivedAtMs: number;
  /** A digest of the message with that id; null if an earlier version read it. */
  readonly message: string | null;
}

/** A message addressed like a reply to a mail. */
export interface NewReply {
  readonly uid: number;
  /** The time of arrival by the server's clock. */
  readonly arrivedAtMs: number;
  readonly token: string;
  /** A digest of the Message-ID, or of the whole message. It stays the same if the mailbox is made anew. */
  readonly message: string;
  readonly from: string;
  /** True for a message that a program sent automatically: it changes nothing. */
  readonly automatic: boolean;
  /** The command as written; null if it was not understood. */
  readonly line: string | null;
  readonly command: { readonly kind: 'ack' | 'silence'; readonly forMs: number | null } | null;
}

/** The messages of one reading. */
export interface MailboxReading {
  readonly replies: readonly NewReply[];
  /** The place at which the reading ended. */
  readonly position: MailboxPosition;
  /** True if the mailbox is not the one of the last reading: its ids do not show what was read. */
  readonly isAnew: boolean;
}

/** The outcome of a reply. */
export type ReplyResult =
  | 'acknowledged'
  | 'silenced'
  /** A program sent it. */
  | 'automatic'
  /** No mail has the token. */
  | 'unknown'
  /** The mail is older than 14 days. */
  | 'expired'
  | 'not-understood'
  /** No alert of the mail fires any more, or the firing alert is worse than in the mail. */
  | 'nothing-open'
  /** The time in the reply was over before the reply was read. */
  | 'over';

export interface AppliedReply extends Pick<NewReply, 'from' | 'line'> {
  readonly result: ReplyResult;
  /** The number of acknowledged alerts, or of added silences. */
  readonly count: number;
}

/** Replies to mails, for alerter/pass. */
export interface ReplyStore {
  /** Returns where the last reading of a mailbox ended; null if the mailbox was never read. */
  replyPosition(mailbox: string): Promise<MailboxPosition | null>;
  /**
   * Applies the replies that are not yet applied and moves the position, in one fenced transaction. Returns an outcome
   * for each applied reply. Throws FleetError `locked`.
   */
  applyReplies(lease: Lease, mailbox: string, read: MailboxReading): Promise<readonly AppliedReply[]>;
}
