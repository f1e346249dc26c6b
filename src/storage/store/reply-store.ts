import type { Config } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { describeDuration } from '../../text/durations.ts';
import type { Lease } from './lease-store.ts';
import { number, type RecordOf, recordShape, text, textOrNull, time } from './record-shape.ts';

/** The age beyond which a mail accepts no replies: somebody who finds the mail could reply to it. */
export const repliesValidMs = 14 * dayMs;

/** The place at which the reading of a mailbox ended. */
export const mailboxPosition = recordShape({
  /** The UIDVALIDITY. Message ids count anew when the server changes it (RFC 3501, section 2.3.1.1). */
  uidValidity: text,
  /** The greatest message id that was read. */
  uid: number,
  /** The newest arrival that was read, by the server's clock. */
  arrivedAtMs: time,
  /** A digest of the message with that id; null if an earlier version read it. */
  message: textOrNull,
});
export type MailboxPosition = RecordOf<typeof mailboxPosition>;

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

/** A sent message whose receiver says whether somebody has acknowledged it. */
export interface Receipt {
  readonly receipt: string;
  /** The critical alerts of the message that fire and that nobody has acknowledged. */
  readonly open: readonly { readonly progress: { readonly clearing: number; readonly easing: number } }[];
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
  /** Returns the open receipts of a recipient of the last week, oldest first. */
  openReceipts(recipient: string, limit: number): Promise<readonly Receipt[]>;
  /**
   * Closes a receipt, so that it is not asked for again, in one fenced transaction. `by`: who acknowledged the message
   * and so its alerts; null: nobody. Returns null if nothing was acknowledged. Throws FleetError `locked`.
   */
  closeReceipt(lease: Lease, receipt: string, by: string | null): Promise<AppliedReply | null>;
}

/** A mail of `<canary>`. */
export interface CanaryTry {
  /** The token of the mail in the outbox, which stands in the mail's subject, text and Message-ID. */
  readonly token: string;
  /** The time at which the mail was made. */
  readonly atMs: number;
  /** The reason why the mail counts as not back, '' if it is unknown; null as long as it may still come in time. */
  readonly gone: string | null;
  /** The mail's arrival in the mailbox; null if it has not arrived. `afterMs` counts from the mail server's answer. */
  readonly back: { readonly afterMs: number; readonly copies: number; readonly isInJunk: boolean } | null;
}

/** The outcome of a round. Only `well` is no alert; `lost` stays until a canary is back in time. */
export interface CanaryFinding {
  readonly kind: 'well' | 'junk' | 'late' | 'repeated' | 'lost';
  /** The round. */
  readonly roundMs: number;
  /** The time by which people know the canary: its round, or its own if it ended a loss. */
  readonly ofMs: number;
  readonly atMs: number;
  readonly afterMs: number;
  readonly copies: number;
  /** The reason of a loss; else ''. */
  readonly reason: string;
}

/** The present round of `<canary>`: a mail, and two more if it does not come back. */
export interface CanaryState {
  readonly to: string;
  /** The time at which the round was due. */
  readonly roundMs: number;
  /** Oldest first. */
  readonly tries: readonly CanaryTry[];
  /** null before the outcome of the first round. */
  readonly found: CanaryFinding | null;
  /** The newest arrival in time; null if there was none. */
  readonly newest: { readonly atMs: number; readonly afterMs: number } | null;
  /** The time since which the mailbox cannot be read while a canary is awaited; null if it can. */
  readonly unreadSinceMs: number | null;
}

/** A mailbox of `<replies>` that cannot be read. */
export interface UnreadReplies {
  /** The time of the first reading that failed. */
  readonly sinceMs: number;
  /** The message of the newest fault. */
  readonly why: string;
}

interface FleetMemory {
  readonly canary?: CanaryState;
  readonly repliesUnread?: UnreadReplies | null;
}

interface FleetMemoryStore {
  ruleStates(clients: readonly string[]): Promise<ReadonlyMap<string, FleetMemory>>;
}

/** Returns the state of the `<canary>` of config.xml; null if there is none, or before its first mail. */
export async function readCanary(
  { canary }: Pick<Config, 'canary'>,
  store: FleetMemoryStore | null,
): Promise<CanaryState | null> {
  if (canary === null || store === null) return null;
  const state = (await store.ruleStates([''])).get('')?.canary;
  return state?.to === canary.to ? state : null;
}

/** Returns since when and why the mailbox of `<replies>` cannot be read; null if it was read, or if there is none. */
export async function readUnreadReplies(
  { replies }: Pick<Config, 'replies'>,
  store: FleetMemoryStore | null,
): Promise<UnreadReplies | null> {
  if (replies === null || store === null) return null;
  return (await store.ruleStates([''])).get('')?.repliesUnread ?? null;
}

/** Describes an outcome: `the canary of 04:10 was back after 12s`. `moment` formats a time. */
export function canaryWords(found: CanaryFinding, moment: (atMs: number) => string): string {
  const { kind, ofMs, afterMs, copies, reason } = found;
  const outcomes: Readonly<Record<CanaryFinding['kind'], string>> = {
    well: `was back after ${describeDuration(afterMs, 0)}`,
    junk: 'arrived in Junk',
    late: `arrived after ${describeDuration(afterMs, 0)} by the clock of the mailbox`,
    repeated: `arrived ${copies === 2 ? 'twice' : `${copies} times`}`,
    lost: `did not come back: ${reason}`,
  };
  return `the canary of ${moment(ofMs)} ${outcomes[kind]}`;
}
