import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, FleetError, messageOf } from '../../errors.ts';
import type { Mail } from '../../storage/store/alert-store.ts';
import type { DeliveryEvent, Way } from './delivery.ts';
import { attempt } from './delivery-attempt.ts';
import { composeRefusalNotice } from './refusal-notice.ts';
import type { Sending } from './delivery.ts';
import { minuteMs } from '../../platform/units.ts';

/** A server that is back should not have to wait for its mails, and to knock costs it nothing. */
const longestAwayMs = 5 * minuteMs;
/** Refused logins lock accounts, and a mailbox that is full stays so for a while. */
const longestMs = 60 * minuteMs;
/** A run begins a moment earlier or later than a minute after the one before. */
const slackMs = 5_000;
/**
 * Attempts at a recipient that is refused for reasons of policy, in about five hours. RFC 5321, section 4.2.1, says SHOULD
 * NOT to repeating a 5yz; but who runs the fleet would rather have a mail of a disk that is full late, once somebody has
 * cleared a blocklist, than not at all. The fallback address does not wait for that: it is told at the first refusal.
 */
const policyAttempts = 10;
const policyPauseMs = 15 * minuteMs;
/** Of the claim beyond the attempt: for the marks. */
const claimMarginMs = minuteMs;
/** A mail that was taken and is not marked goes out twice. */
const markPausesMs = [250, 1_000, 4_000] as const;

/** Stages at which the other side was not even heard. */
const awayStages: readonly string[] = ['resolve', 'connect'];

/** Pause after the n-th attempt (from 1): 1, 2, 4 ... minutes, at most `longest`. */
export function pauseAfter(attempts: number, longest: number = longestMs): number {
  return Math.min(longest, minuteMs * 2 ** Math.min(attempts - 1, 10)) - slackMs;
}

/** Claims, sends and marks one mail. null: somebody else has it. Throws what the storage throws. */
export async function deliverMail(sending: Sending, mail: Mail): Promise<DeliveryEvent | null> {
  let way: Way | null = null;
  let unreachable: FleetError | null = null;
  try {
    way = sending.ways.wayTo(mail.recipient);
  } catch (thrown) {
    unreachable = asFleetError(thrown, { code: 'internal', stage: 'mail' });
  }
  const claimMs = (way === null ? 0 : way.timeoutMs + way.answerTimeoutMs) + claimMarginMs;
  const claimEndsAt = performance.now() + claimMs;
  const isOurs = await sending.store.claimMail(mail.id, sending.lease.holder, claimMs);
  if (!isOurs) return null;
  return ifStillOurs(async () => {
    if (!sending.isNamed(mail.recipient) && (await sending.store.dropMail(mail, sending.lease.holder))) {
      const event = { kind: 'dropped', recipient: mail.recipient, messageId: mail.messageId } as const;
      sending.observe(event);
      return event;
    }
    if (way === null) return settleFault(sending, mail, null, unreachable);
    const away = sending.away.get(way.name);
    if (away !== undefined) return putOff(sending, mail, away.error, away.pauseMs);
    const { fault, dataBegun } = await attempt(sending, mail, way, claimEndsAt);
    if (fault === null) return taken(sending, mail, way);
    if (sending.signal.aborted && !(fault instanceof FleetError && fault.code === 'mail-refused')) {
      return putOff(sending, mail, 'interrupted', dataBegun ? pauseAfter(1) : 0);
    }
    return settleFault(sending, mail, way, fault);
  });
}

/** A claim that ran out while this program slept is somebody else's: nothing more is to be done. */
async function ifStillOurs(work: () => Promise<DeliveryEvent>): Promise<DeliveryEvent | null> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'locked' && thrown.stage === 'mail') return null;
    throw thrown;
  }
}

async function settleFault(sending: Sending, mail: Mail, way: Way | null, thrown: unknown): Promise<DeliveryEvent> {
  const fault = asFleetError(thrown, { code: 'internal', stage: 'mail' });
  const error = fault.code === 'internal' ? `${fault.code}: ${messageOf(fault)}` : fault.message;
  if (fault.code === 'mail-refused') {
    const attempts = mail.attempts + 1;
    if (!fault.retryable || attempts >= policyAttempts) return refuse(sending, mail, error);
    await tellFallback(sending, mail, error, false);
    return putOff(sending, mail, error, Math.max(policyPauseMs - slackMs, pauseAfter(attempts)));
  }
  if (fault.stage === 'mail' || way === null) return putOff(sending, mail, error, pauseAfter(mail.attempts + 1));
  const longest = awayStages.includes(fault.stage) ? longestAwayMs : longestMs;
  const pauseMs = pauseAfter(mail.attempts + 1, longest);
  sending.away.set(way.name, { error, pauseMs });
  return putOff(sending, mail, error, pauseMs);
}

async function taken({ store, lease, observe }: Sending, mail: Mail, way: Way): Promise<DeliveryEvent> {
  const { recipient, messageId } = mail;
  const event = { kind: 'sent', recipient, messageId, where: way.name } as const;
  observe(event);
  for (const pauseMs of markPausesMs) {
    try {
      await store.markSent(mail.id, lease.holder);
      return event;
    } catch (thrown) {
      if (!(thrown instanceof FleetError) || !thrown.retryable || thrown.code === 'locked') throw thrown;
      await sleep(pauseMs);
    }
  }
  await store.markSent(mail.id, lease.holder);
  return event;
}

async function putOff(
  { store, lease, observe }: Sending,
  { id, recipient, messageId }: Mail,
  error: string,
  pauseMs: number,
): Promise<DeliveryEvent> {
  await store.markPutOff(id, lease.holder, pauseMs, error);
  const event = { kind: 'put-off', recipient, messageId, error } as const;
  observe(event);
  return event;
}

async function refuse(sending: Sending, mail: Mail, reason: string): Promise<DeliveryEvent> {
  const { store, lease, observe } = sending;
  const { id, recipient, messageId } = mail;
  // First: were it the other way round, nobody would hear of a refusal before a crash.
  await tellFallback(sending, mail, reason, true);
  await store.markFailed(id, lease.holder, reason);
  const event = { kind: 'refused', recipient, messageId, error: reason } as const;
  observe(event);
  return event;
}

/** Once for each mail: its notice has a Message-ID of its own. */
async function tellFallback(sending: Sending, refused: Mail, reason: string, isFinal: boolean): Promise<void> {
  const { store, lease, fallback, now } = sending;
  if (fallback === null) return;
  const notice = await composeRefusalNotice({ refused, reason, isFinal, fallback, nowMs: now() });
  if (notice !== null) await store.saveNotifications(lease, { mails: [notice], told: [], closedOut: [] });
}
