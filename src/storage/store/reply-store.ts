import { dayMs } from '../../platform/units.ts';
import type { Lease } from './lease-store.ts';

/** A mail that is older is not believed: whoever finds it may reply to it. */
export const repliesValidMs = 14 * dayMs;

/** The place at which the reading of a mailbox ended. */
export interface MailboxPosition {
  /** The ids of messages count anew when the server changes it (RFC 3501, section 2.3.1.1). */
  readonly uidValidity: string;
  /** The greatest id that was read. */
  readonly uid: number;
  /** The newest arrival that was read, by the server's clock. */
  readonly arrivedAtMs: number;
  /** A digest of the message with that id; null: an earlier version read it. */
  readonly message: string | null;
}

/** A message that is addressed as the replies to a mail are. */
export interface NewReply {
  readonly uid: number;
  /** The time by the server's clock. */
  readonly arrivedAtMs: number;
  readonly token: string;
  /** A digest of its Message-ID, or of all of it: the same in a mailbox that was made anew. */
  readonly message: string;
  readonly from: string;
  /** True for what programs send by themselves: it changes nothing. */
  readonly automatic: boolean;
  /** The command as it was written; null: not understood. */
  readonly line: string | null;
  readonly command: { readonly kind: 'ack' | 'silence'; readonly forMs: number | null } | null;
}

/** The messages that one reading found. */
export interface MailboxReading {
  readonly replies: readonly NewReply[];
  /** The place at which the reading ended. */
  readonly position: MailboxPosition;
  /** True if the mailbox is another one than at the last reading: its ids say nothing of what was read. */
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
  /** No alert of the mail fires any more, or what fires is worse than in the mail. */
  | 'nothing-open'
  /** The time that it names was over before it was read. */
  | 'over';

export interface AppliedReply extends Pick<NewReply, 'from' | 'line'> {
  readonly result: ReplyResult;
  /** Alerts that were acknowledged, or silences that were added. */
  readonly count: number;
}

/** Replies to mails, for alerter/pass. */
export interface ReplyStore {
  /** Returns where the last reading of a mailbox ended; null: it was never read. */
  replyPosition(mailbox: string): Promise<MailboxPosition | null>;
  /**
   * Applies the replies that nobody has applied yet and moves the position, in one fenced transaction. Returns an
   * outcome for each reply that was applied. Throws FleetError `locked`.
   */
  applyReplies(lease: Lease, mailbox: string, read: MailboxReading): Promise<readonly AppliedReply[]>;
}
