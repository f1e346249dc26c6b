import type { RepliesConfig } from '../../config/config.ts';
import { asFleetError, type FleetError } from '../../errors.ts';
import { isOfMessage, unreadMessage, withMailbox } from '../../notify/replies/imap-client.ts';
import type { FetchedMessage, OpenMailbox } from '../../notify/replies/imap-client.ts';
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
  /** The faults of messages that are passed over. */
  readonly passedOver: readonly FleetError[];
}

interface Messages {
  uidValidity: string;
  isAnew: boolean;
  /** The ids that were requested; null before they are known. */
  uids: readonly number[] | null;
  readonly messages: Map<number, FetchedMessage>;
  /** The reasons why messages are passed over, by id. */
  readonly passedOver: Map<number, string>;
}

/** The most connections of one reading, and those in a row that yield no message. */
const maxConnections = 6;
const maxVain = 3;

/**
 * Reads messages that are new since a position. A message at which the reading breaks is read once more by itself; if
 * that fails too and later messages can be read, or if its form is the reason, the message is passed over. Throws the
 * signal's reason.
 */
export async function readReplies(replies: RepliesConfig, options: ReadRepliesOptions): Promise<ReadReplies> {
  const read: Messages = { uidValidity: '', isAnew: false, uids: null, messages: new Map(), passedOver: new Map() };
  const endsAtMs = performance.now() + options.timeoutMs;
  const broke = new Map<number, string>();
  const isTwice = new Set<number>();
  let fault: FleetError | null = null;
  let isAnswered = false;
  for (let count = 0, vain = 0; count < maxConnections && vain < maxVain; count += 1) {
    const before = read.messages.size;
    const timeoutMs = endsAtMs - performance.now();
    if (timeoutMs <= 0) break;
    try {
      const order = (left: readonly number[]) => partsOf(left, broke, isTwice);
      await withMailbox(replies, { ...options, timeoutMs }, (mailbox) => readInto(read, mailbox, options, order));
      isAnswered = true;
      break;
    } catch (thrown) {
      options.signal.throwIfAborted();
      fault = asFleetError(thrown, { code: 'replies-unread', stage: 'mail' });
    }
    vain = read.messages.size > before ? 0 : vain + 1;
    const [at] = partsOf(leftOf(read), broke, isTwice)[0] ?? [];
    if (at === undefined) break;
    if (broke.has(at) || isOfMessage(fault)) isTwice.add(at);
    broke.set(at, fault.message);
    if (isOfMessage(fault)) read.passedOver.set(at, 'its form or size is not accepted');
  }
  const newest = Math.max(-1, ...read.messages.keys());
  for (const uid of isTwice) if (uid < newest) read.passedOver.set(uid, 'the reading breaks there');
  // The server answered the request, and left these out.
  if (isAnswered)
    for (const uid of leftOf(read)) if (!isTwice.has(uid)) read.passedOver.set(uid, 'the server did not send it');
  if (isAnswered && leftOf(read).length === 0) fault = null;
  const passedOver = [...read.passedOver].map(([uid, words]) => unreadMessage(replies, uid, words));
  return { ...(await parseMessages(read, withoutGaps(read))), fault, passedOver };
}

/** Returns the ids of messages that are neither read nor passed over. */
function leftOf({ uids, messages, passedOver }: Messages): readonly number[] {
  return (uids ?? []).filter((uid) => !messages.has(uid) && !passedOver.has(uid));
}

/** Returns the order in which ids are requested: the one at which the reading broke once by itself, then the others. */
function partsOf(
  left: readonly number[],
  broke: ReadonlyMap<number, string>,
  isTwice: ReadonlySet<number>,
): readonly (readonly number[])[] {
  const pending = left.filter((uid) => !isTwice.has(uid));
  const again = pending.filter((uid) => broke.has(uid));
  return [...again.map((uid) => [uid]), pending.filter((uid) => !broke.has(uid))].filter((part) => part.length > 0);
}

async function readInto(
  read: Messages,
  mailbox: OpenMailbox,
  options: ReadRepliesOptions,
  order: (left: readonly number[]) => readonly (readonly number[])[],
): Promise<void> {
  if (read.uids === null) {
    read.uidValidity = mailbox.uidValidity;
    read.isAnew = await isAnew(mailbox, options.position);
    read.uids = await newMessages(mailbox, read.isAnew, options);
  }
  if (mailbox.uidValidity !== read.uidValidity) return;
  for (const part of order(leftOf(read)))
    for await (const message of mailbox.fetch(part)) read.messages.set(message.uid, message);
}

/**
 * Returns the messages before the first one that is missing: the position must not pass that message. A message that is
 * passed over is empty.
 */
function withoutGaps({ uids, messages, passedOver }: Messages): readonly FetchedMessage[] {
  const found = (uids ?? []).map((uid) => {
    const empty = { uid, arrivedAtMs: 0, source: new Uint8Array() };
    return messages.get(uid) ?? (passedOver.has(uid) ? empty : null);
  });
  const gap = found.indexOf(null);
  return (gap < 0 ? found : found.slice(0, gap)).flatMap((one) => one ?? []);
}

/**
 * True if the ids of the last reading are not valid in this mailbox. A mailbox that was created anew within a second
 * may have the UIDVALIDITY of the former one: then its ids end before the last id, or another message has that id.
 */
async function isAnew(mailbox: OpenMailbox, position: MailboxPosition | null): Promise<boolean> {
  if (position?.uidValidity !== mailbox.uidValidity) return true;
  if (mailbox.uidNext !== null && mailbox.uidNext <= position.uid) return true;
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
