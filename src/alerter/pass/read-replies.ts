import type { RepliesConfig } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../errors.ts';
import { withMailbox, type FetchedMessage, type OpenMailbox } from '../../notify/replies/imap-client.ts';
import { parseReply } from '../../notify/replies/parse-reply.ts';
import type { AttemptOptions } from '../../notify/notify.ts';
import { dayMs } from '../../platform/units.ts';
import type { MailboxPosition, NewReply } from '../../storage/store/reply-store.ts';

/** Messages of one reading; the rest waits for the next. */
const mostMessages = 200;

export interface ReadRepliesOptions extends AttemptOptions {
  /** Where the last reading ended; null: there was none. */
  readonly position: MailboxPosition | null;
  /** Messages that arrived before that day are not read if there is no position, or the mailbox is a new one. */
  readonly sinceMs: number;
}

export interface ReadReplies {
  readonly replies: readonly NewReply[];
  /** Where this reading ended; null: nothing was read. */
  readonly position: MailboxPosition | null;
  /** The reason that it ended early; null if it did not. What was read until then counts. */
  readonly fault: FleetError | null;
}

interface Messages {
  uidValidity: string;
  /** The ids that were asked for. */
  uids: readonly number[];
  readonly messages: FetchedMessage[];
}

/** Reads messages that are new since a position. Throws FleetError `replies-unread` and the signal's reason. */
export async function readReplies(replies: RepliesConfig, options: ReadRepliesOptions): Promise<ReadReplies> {
  const read: Messages = { uidValidity: '', uids: [], messages: [] };
  try {
    await withMailbox(replies, options, async (mailbox) => {
      read.uidValidity = mailbox.uidValidity;
      read.uids = await newMessages(mailbox, options);
      if (read.uids.length === 0) return;
      for await (const message of mailbox.fetch(read.uids)) read.messages.push(message);
    });
    return { ...(await parsed(read, read.messages)), fault: null };
  } catch (thrown) {
    options.signal.throwIfAborted();
    const fault = asFleetError(thrown, { code: 'replies-unread', stage: 'mail' });
    return { ...(await parsed(read, withoutGaps(read))), fault };
  }
}

/** Returns the messages before the first one that did not come: the position must not pass it. */
function withoutGaps({ uids, messages }: Messages): readonly FetchedMessage[] {
  const byUid = new Map(messages.map((message) => [message.uid, message]));
  const gap = uids.findIndex((uid) => !byUid.has(uid));
  return (gap < 0 ? uids : uids.slice(0, gap)).flatMap((uid) => byUid.get(uid) ?? []);
}

async function newMessages(
  mailbox: OpenMailbox,
  { position, sinceMs }: ReadRepliesOptions,
): Promise<readonly number[]> {
  const isSame = position?.uidValidity === mailbox.uidValidity;
  if (isSame && mailbox.uidNext <= position.uid + 1) return [];
  const from = isSame
    ? { uid: position.uid + 1 }
    : // SINCE compares days, without a zone.
      { since: new Date(Math.max(sinceMs, position?.arrivedAtMs ?? 0) - dayMs) };
  const uids = await mailbox.search(from);
  // `5:*` has the last message too if its id is 4.
  return uids.filter((uid) => !isSame || uid > position.uid).slice(0, mostMessages);
}

async function parsed(
  { uidValidity }: Messages,
  messages: readonly FetchedMessage[],
): Promise<Omit<ReadReplies, 'fault'>> {
  const replies: NewReply[] = [];
  for (const { uid, arrivedAtMs, source } of messages) {
    const reply = await parseReply(source);
    if (reply !== null) replies.push({ ...reply, uid, arrivedAtMs });
  }
  if (messages.length === 0) return { replies, position: null };
  const uid = Math.max(...messages.map((message) => message.uid));
  const arrivedAtMs = Math.max(...messages.map((message) => message.arrivedAtMs));
  return { replies, position: { uidValidity, uid, arrivedAtMs } };
}
