import type { Config } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { canaryMark, canarySubject, domainOf, senderOf } from '../../notify/mail-identity.ts';
import { newReplyToken } from '../../notify/replies/reply-token.ts';
import type { MailSummary, NewMail } from '../../storage/store/outbox-store.ts';
import type { CanaryState } from '../../storage/store/reply-store.ts';
import { momentInWords } from '../../text/time-words.ts';
import { isAwaited, judgeCanary, type CanaryLook, withNextTry } from '../absence/canary-rounds.ts';
import { readFleetMemory, saveFleetMemory } from './fleet-memory.ts';
import { LeaseTaken } from './pass-lease.ts';
import type { PassContext } from './pass-context.ts';

/** The timeout of a look at the mailbox, at the end of a pass. */
const timeoutMs = 10_000;

/**
 * Looks for the canaries that are awaited, and stores what came of them and the next canary if one is due. Returns the
 * number of stored mails. Reports a mailbox that cannot be read.
 */
export async function sendCanary(pass: PassContext): Promise<number> {
  const { config, storage, lease, signal } = pass;
  const { canary, alerts } = config;
  if (canary === null) return 0;
  const time = { canary, zone: alerts.zone, nowMs: await storage.nowMs() };
  const { canary: known = null } = await readFleetMemory(storage.evaluation);
  if (known !== null && !isAwaited(known, time.nowMs) && withNextTry(known, time, newReplyToken) === known) return 0;
  try {
    const held = await lease.take();
    // Another alerter may have looked until the lease was taken.
    const memory = await readFleetMemory(storage.evaluation);
    const { canary: before = null } = memory;
    const mails = await storage.mails.withTokens((before?.tries ?? []).map(({ token }) => token));
    const judged = before?.to === canary.to ? await look(pass, before, mails, time.nowMs) : before;
    const after = withNextTry(judged, time, newReplyToken);
    if (JSON.stringify(after) !== JSON.stringify(before))
      await saveFleetMemory(storage.evaluation, held, { ...memory, canary: after });
    // A pass that died may have noted a mail without storing it.
    const missing = after.tries.filter(({ token, gone, back }) => !mails.has(token) && gone === null && back === null);
    for (const { token } of missing) {
      const stored = await writeMail(config, after, token, time.nowMs);
      await storage.notifications.saveNotifications(held, { mails: [stored], notified: [], closedOut: [] });
    }
    return missing.length;
  } catch (thrown) {
    // Another alerter holds the lease and does the same.
    const isTaken = thrown instanceof LeaseTaken || (thrown instanceof FleetError && thrown.code === 'locked');
    if (isTaken || signal.aborted) return 0;
    throw thrown;
  }
}

async function look(
  { config, storage, signal, observe }: PassContext,
  state: CanaryState,
  mails: ReadonlyMap<string, MailSummary>,
  nowMs: number,
): Promise<CanaryState> {
  const { canary, replies } = config;
  let seen: CanaryLook['seen'] = [];
  let unread: string | null = null;
  // A mail may have arrived although the mail server's answer was lost.
  if (replies !== null && [...mails.values()].some(({ dataAtMs }) => dataAtMs !== null)) {
    const { findCanaries } = await import('../../notify/replies/find-canaries.ts');
    const tokens = state.tries.map(({ token }) => token);
    const sinceMs = state.tries[0]?.atMs ?? nowMs;
    const { found, fault } = await findCanaries(replies, { tokens, sinceMs, timeoutMs, signal });
    seen = found;
    unread = fault?.message ?? null;
    if (fault !== null) observe({ kind: 'fault', fault });
  }
  const judged = judgeCanary(state, { mails, seen, unread, nowMs, everyMs: canary?.everyMs ?? 0 });
  for (const { token, gone } of judged.tries) {
    const mail = mails.get(token);
    // The alert tells of it; else the outbox would try it again, or count it as not delivered.
    if (gone !== null && mail?.sentAtMs === null) await storage.mails.discardMail(mail.id);
  }
  return judged;
}

async function writeMail(config: Config, { to, roundMs }: CanaryState, token: string, nowMs: number): Promise<NewMail> {
  const { freezeNotice } = await import('../../notify/mime.ts');
  const from = senderOf(config);
  const messageId = `<${canaryMark}${token}@${domainOf(from)}>`;
  const content = await freezeNotice({
    subject: `${canarySubject} of ${momentInWords({ zone: config.alerts.zone, nowMs }, roundMs)} ${token}`,
    lines: [
      'Nobody has to read this mail. It shows that mails of Fleet Health arrive:',
      `it has to end in the mailbox of <replies>, ${config.replies?.address ?? ''}, within 15 minutes.`,
      `\n${token}\n`,
    ],
    headers: { 'X-Auto-Response-Suppress': 'All', 'X-Fleet-Health-State': 'canary' },
    ...{ messageId, from, to, dateMs: nowMs },
  });
  const words = { recipient: to, messageId, content, replyToken: token, severity: 'warning' } as const;
  return { ...words, ordinary: false, notifications: [], replaces: [] };
}
