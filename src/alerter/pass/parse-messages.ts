import type { FetchedMessage } from '../../notify/replies/imap-client.ts';
import { messageDigest, parseReply } from '../../notify/replies/parse-reply.ts';
import { secondMs } from '../../platform/units.ts';
import { boundedTime } from '../../report/check-value.ts';
import type { MailboxPosition, NewReply } from '../../storage/store/reply-store.ts';

export interface ParsedMessages {
  readonly replies: readonly NewReply[];
  /** The end of this reading; null if nothing was read. */
  readonly position: MailboxPosition | null;
  /** True if the mailbox was created anew since the last reading. */
  readonly isAnew: boolean;
}

/** The time for parsing messages of one reading. Whoever knows a token can send messages that take long. */
const parseMs = 2 * secondMs;

/**
 * Parses messages in the order of their ids, for a limited time but at least one. The position is that of the last
 * parsed message: the others wait for the next reading.
 */
export async function parseMessages(
  { uidValidity, isAnew }: Pick<ParsedMessages, 'isAnew'> & Pick<MailboxPosition, 'uidValidity'>,
  messages: readonly FetchedMessage[],
): Promise<ParsedMessages> {
  const replies: NewReply[] = [];
  const endsAt = performance.now() + parseMs;
  let last: FetchedMessage | null = null;
  let newestMs = 0;
  for (const message of messages.toSorted((one, other) => one.uid - other.uid)) {
    if (last !== null && performance.now() >= endsAt) break;
    const { uid, source } = message;
    const arrivedAtMs = boundedTime(message.arrivedAtMs);
    const reply = await parseReply(source);
    if (reply !== null) replies.push({ ...reply, uid, arrivedAtMs });
    newestMs = Math.max(newestMs, arrivedAtMs);
    last = message;
  }
  if (last === null) return { replies, position: null, isAnew };
  // A message that was passed over is empty: nothing tells it from another one.
  const message = last.source.length === 0 ? null : messageDigest(last.source);
  const position = { uidValidity, uid: last.uid, arrivedAtMs: newestMs, message };
  return { replies, position, isAnew };
}
