import type { RepliesConfig } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../errors.ts';
import { withMailbox, type FetchedMessage, type OpenMailbox } from '../../notify/replies/imap-client.ts';
import { messageDigest } from '../../notify/replies/parse-reply.ts';
import type { AttemptOptions } from '../../notify/notify.ts';
import { dayMs } from '../../platform/units.ts';
import type { MailboxPosition } from '../../storage/store/reply-store.ts';
import { parseMessages, type ParsedMessages } from './parse-messages.ts';

/** The most messages of one reading; further ones wait for the next. */
const maxMessages = 200;

export interface ReadRepliesOptions extends AttemptOptions {
  /** The end of the last reading; null if there was none. */
  readonly position: MailboxPosition | null;
  /** Messages that arrived before this day are not read if there is no position, or the mailbox was created anew. */
  readonly sinceMs: number;
}

export interface ReadReplies extends ParsedMessages {
  /** The fault that ended the reading early; null if there was none. Messages that were read until then count. */
  readonly fault: FleetError | null;
}

interface Messages {
  uidValidity: string;
  isAnew: boolean;
  /** The ids that were requested. */
  uids: readonly number[];
  readonly messages: FetchedMessage[];
}

/** Reads messages that are new since a position. Throws FleetError `replies-unread` and the signal's reason. */
export async function readReplies(replies: RepliesConfig, options: ReadRepliesOptions): Promise<ReadReplies> {
  const read: Messages = { uidValidity: '', isAnew: false, uids: [], messages: [] };
  try {
    await withMailbox(replies, options, async (mailbox) => {
      read.uidValidity = mailbox.uidValidity;
      read.isAnew = await isAnew(mailbox, options.position);
      read.uids = await newMessages(mailbox, read.isAnew, options);
      if (read.uids.length === 0) return;
      for await (const message of mailbox.fetch(read.uids)) read.messages.push(message);
    });
    return { ...(await parseMessages(read, read.messages)), fault: null };
  } catch (thrown) {
    options.signal.throwIfAborted();
    const fault = asFleetError(thrown, { code: 'replies-unread', stage: 'mail' });
    return { ...(await parseMessages(read, withoutGaps(read))), fault };
  }
}

/** Returns the messages before the first one that is missing: the position must not pass that message. */
function withoutGaps({ uids, messages }: Messages): readonly FetchedMessage[] {
  const byUid = new Map(messages.map((message) => [message.uid, message]));
  const gap = uids.findIndex((uid) => !byUid.has(uid));
  return (gap < 0 ? uids : uids.slice(0, gap)).flatMap((uid) => byUid.get(uid) ?? []);
}

/**
 * True if the ids of the last reading are not valid in this mailbox. A mailbox that was created anew within a second
 * may have the UIDVALIDITY of the former one: then its ids end before the last id, or another message has that id.
 */
async function isAnew(mailbox: OpenMailbox, position: MailboxPosition | null): Promise<boolean> {
  if (position?.uidValidity !== mailbox.uidValidity || mailbox.uidNext <= position.uid) return true;
  if (position.message === null) return false;
  for await (const { uid, source } of mailbox.fetch([position.uid])) {
    if (uid === position.uid) return messageDigest(source) !== position.message;
  }
  // Somebody has deleted the message.
  return false;
}

async function newMessages(
  mailbox: OpenMailbox,
  anew: boolean,
  { position, sinceMs }: ReadRepliesOptions,
): Promise<readonly number[]> {
  const last = anew || position === null ? null : position.uid;
  if (last !== null && mailbox.uidNext === last + 1) return [];
  // SINCE compares days, without a zone.
  const from = last === null ? { since: new Date(sinceMs - dayMs) } : { uid: last + 1 };
  const uids = await mailbox.search(from);
  // `5:*` has the last message too if its id is 4.
  return uids.filter((uid) => last === null || uid > last).slice(0, maxMessages);
}
