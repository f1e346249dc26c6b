import { digestOf } from '../../notify/mail-identity.ts';
import { repliesValidMs } from '../../storage/store/reply-store.ts';
import type { Pass } from './pass.ts';
import { readReplies } from './read-replies.ts';

/** The timeout of a reading, at the end of a pass. */
const timeoutMs = 10_000;

/**
 * Reads the new replies in the mailbox of `<replies>` and applies them. Reports a mailbox that cannot be read; the next
 * pass continues from the end of the last reading.
 */
export async function answerReplies({ config, storage, lease, signal, observe, stages }: Pass): Promise<void> {
  const { replies: settings } = config;
  if (settings === null) return;
  const { host, port, username, mailbox: folder } = settings;
  const mailbox = digestOf([host, port, username, folder]);
  const position = await storage.replies.replyPosition(mailbox);
  const sinceMs = (await storage.nowMs()) - repliesValidMs;
  try {
    const read = await readReplies(settings, { position, sinceMs, timeoutMs, signal });
    if (read.position !== null) {
      const { replies, position: end, isAnew } = read;
      const applied = await storage.replies.applyReplies(await lease.take(), mailbox, {
        replies,
        position: end,
        isAnew,
      });
      for (const reply of applied) observe({ kind: 'reply', reply });
    }
    for (const fault of read.passedOver) observe({ kind: 'fault', fault });
    if (read.fault !== null) observe({ kind: 'fault', fault: read.fault });
  } catch (thrown) {
    stages.heedUnlessTaken('reading replies', thrown);
  }
}
