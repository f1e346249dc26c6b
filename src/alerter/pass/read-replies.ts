import type { RepliesConfig } from '../../config/config.ts';
import type { FleetError } from '../../platform/errors/errors.ts';
import { unreadMessage } from '../../notify/replies/imap-client.ts';
import type { FetchedMessage, OpenMailbox } from '../../notify/replies/imap-client.ts';
import { messageDigest } from '../../notify/replies/parse-reply.ts';
import { readMessages, type ReadFolder } from '../../notify/replies/read-messages.ts';
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
  /** The faults of messages that are passed over. */
  readonly passedOver: readonly FleetError[];
}

interface Messages {
  /** null before the mailbox was opened. */
  uidValidity: string | null;
  isAnew: boolean;
  /** The ids that were requested; null before they are known. */
  uids: readonly number[] | null;
  readonly messages: Map<number, FetchedMessage>;
}

/** The names by which `readMessages` tells the new messages from the last one of the last reading. */
const [newOnes, lastOne] = ['new', 'last'];

/**
 * Reads messages that are new since a position. Passes over messages that cannot be read. Throws the signal's reason.
 */
export async function readReplies(replies: RepliesConfig, options: ReadRepliesOptions): Promise<ReadReplies> {
  const read: Messages = { uidValidity: null, isAnew: false, uids: null, messages: new Map() };
  const isAnew = anewCheck(options.position);
  const { fault, passedOver } = await readMessages(replies, options, async (mailbox, folder) => {
    read.uidValidity ??= mailbox.uidValidity;
    if (mailbox.uidValidity !== read.uidValidity) throw new Error('the mailbox was made anew while it was read');
    if (read.uids === null) {
      read.isAnew = await isAnew(mailbox, folder);
      read.uids = await newMessages(mailbox, read.isAnew, options);
    }
    const take = (message: FetchedMessage): void => void read.messages.set(message.uid, message);
    await folder({ folder: newOnes, uids: read.uids, take });
  });
  const unread = passedOver(newOnes);
  const { isAnew: anew, uidValidity } = read;
  const parsed = await parseMessages({ isAnew: anew, uidValidity: uidValidity ?? '' }, withoutGaps(read, unread));
  return { ...parsed, fault, passedOver: [...unread].map(([uid, words]) => unreadMessage(replies, uid, words)) };
}

/**
 * Returns the messages before the first one that is missing: the position must not pass that message. A message that is
 * passed over is empty.
 */
function withoutGaps({ uids, messages }: Messages, passedOver: ReadonlyMap<number, string>): readonly FetchedMessage[] {
  const found = (uids ?? []).map((uid) => {
    const empty = { uid, arrivedAtMs: 0, source: new Uint8Array() };
    return messages.get(uid) ?? (passedOver.has(uid) ? empty : null);
  });
  const gap = found.indexOf(null);
  return (gap < 0 ? found : found.slice(0, gap)).flatMap((one) => one ?? []);
}

/**
 * Returns a function that is true if the ids of the last reading are not valid in this mailbox. A mailbox that was
 * created anew within a second may have the UIDVALIDITY of the former one: then its ids end before the last id, or
 * another message has that id. A last message that is deleted, or cannot be read any more, shows nothing.
 */
function anewCheck(position: MailboxPosition | null): (mailbox: OpenMailbox, read: ReadFolder) => Promise<boolean> {
  let digest = position?.message ?? null;
  return async (mailbox, read) => {
    if (position?.uidValidity !== mailbox.uidValidity) return true;
    if (mailbox.uidNext !== null && mailbox.uidNext <= position.uid) return true;
    if (position.message === null) return false;
    const take = ({ source }: FetchedMessage): void => void (digest = messageDigest(source));
    await read({ folder: lastOne, uids: [position.uid], take, isOptional: true });
    return digest !== position.message;
  };
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
