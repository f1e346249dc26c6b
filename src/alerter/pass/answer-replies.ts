import type { RepliesConfig } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { digestOf } from '../../notify/mail-identity.ts';
import { repliesValidMs } from '../../storage/store/reply-store.ts';
import { readFleetMemory, saveFleetMemory } from './fleet-memory.ts';
import type { PassContext } from './pass-context.ts';
import { readReplies } from './read-replies.ts';

/** The timeout of a reading, at the end of a pass. */
const timeoutMs = 10_000;

/**
 * Reads the new replies in the mailbox of `<replies>` and applies them. Reports and stores that a mailbox cannot be
 * read; the next pass continues from the end of the last reading.
 */
export async function answerReplies(pass: PassContext): Promise<void> {
  const { config, storage, lease, signal, observe, stages } = pass;
  const { replies: settings } = config;
  if (settings === null) return;
  const { host, port, username, mailbox: folder } = settings;
  const mailbox = digestOf([host, port, username, folder]);
  const position = await storage.replies.replyPosition(mailbox);
  const nowMs = await storage.nowMs();
  try {
    const read = await readReplies(settings, { position, sinceMs: nowMs - repliesValidMs, timeoutMs, signal });
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
    const fault = read.fault === null ? null : ofReplies(settings, read.fault);
    if (fault !== null) observe({ kind: 'fault', fault });
    await saveUnread(pass, fault?.message ?? null, nowMs);
  } catch (thrown) {
    stages.heedUnlessTaken('reading replies', thrown);
  }
}

/** Returns the fault of a reading, under its own code and with the mailbox's server: a password may be missing. */
function ofReplies({ host, port }: RepliesConfig, fault: FleetError): FleetError {
  if (fault.code === 'replies-unread') return fault;
  const message = `replies at ${host}:${port}: ${fault.message}`;
  return new FleetError({ code: 'replies-unread', stage: 'mail', message, cause: fault });
}

/** Stores since when and why the mailbox cannot be read; `why` is null if it was read. Writes changes alone. */
async function saveUnread({ storage, lease }: PassContext, why: string | null, nowMs: number): Promise<void> {
  const known = (await readFleetMemory(storage.evaluation)).repliesUnread ?? null;
  if ((known?.why ?? null) === why) return;
  const held = await lease.take();
  // Another alerter may have read the mailbox until the lease was taken.
  const memory = await readFleetMemory(storage.evaluation);
  const repliesUnread = why === null ? null : { sinceMs: memory.repliesUnread?.sinceMs ?? nowMs, why };
  await saveFleetMemory(storage.evaluation, held, { ...memory, repliesUnread });
}
