/** src/alerter/deliver: outbox -> mail server, command, webhook, file. */
import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { TakenInPart, TryLater, type Channel } from '../../notify/notify.ts';
import { dateMail, withFirstLine } from '../../notify/mime.ts';
import { pauseAfterRefusal } from '../../notify/refusal-pause.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import type { Mail } from '../../storage/store/outbox-store.ts';
import { durationInWords } from '../../text/durations.ts';
import type { DeliveryEvent, DeliveryOutcome } from '../alert-options.ts';
import type { Delivery } from './delivery.ts';
import { composeRefusalNotice } from './refusal-notice.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

/** The longest pause while a server is away. Once back it gets its mails soon, and vain connections cost nothing. */
const longestAwayMs = 5 * minuteMs;
/** The longest pause after other faults. Refused logins lock accounts, and a full mailbox stays full for a while. */
const longestMs = 60 * minuteMs;
/** Pauses are shorter by this: a run begins slightly more or less than a minute after the run before. */
const slackMs = 5_000;
/**
 * Attempts, in about five hours, at a recipient that is refused for reasons of policy. RFC 5321, section 4.2.1, says
 * that a 5yz SHOULD NOT be repeated; but a mail about a full disk that arrives late, once a blocklist has been cleared,
 * is better than none. The fallback address does not wait for these attempts: it is notified at the first refusal.
 */
const policyAttempts = 10;
const policyPauseMs = 15 * minuteMs;
/** The time for which a permanently refused mail is tried although all its alerts have ended. */
const endedMs = dayMs;
/** The time that a claim adds to the attempt, for marking the mail. */
const claimMarginMs = minuteMs;
/** Pauses between attempts to mark a mail as sent. An accepted mail without the mark is sent twice. */
const markPausesMs = [250, 1_000, 4_000] as const;
/** A mail that waited this long is dated anew: with its old date it would stand far down in an inbox. */
const lateMs = 5 * minuteMs;

/** Stages of faults before the other side was reached. */
const awayStages: readonly string[] = ['resolve', 'connect'];

/** Returns the pause after the n-th attempt (from 1): 1, 2, 4 ... minutes, at most `longest`. */
export function pauseAfter(attempts: number, longest: number = longestMs): number {
  return Math.min(longest, minuteMs * 2 ** Math.min(attempts - 1, 10)) - slackMs;
}

/**
 * Claims, sends and marks one mail. Only marks a mail that this machine has sent already: the database has forgotten
 * the mark. Returns null if another alerter has the mail. Throws the storage's errors.
 */
export async function deliverMail(delivery: Delivery, mail: Mail): Promise<DeliveryEvent | null> {
  const { storage, lease, channels, signal, sent, now } = delivery;
  let channel: Channel | null = null;
  let unreachable: unknown = null;
  try {
    channel = channels.channelFor(mail.recipient);
  } catch (thrown) {
    unreachable = thrown;
  }
  const claimMs = (channel === null ? 0 : channel.timeoutMs + channel.answerTimeoutMs) + claimMarginMs;
  const claimEndsAt = performance.now() + claimMs;
  if (!(await storage.outbox.claimMail(mail.id, lease.holder, claimMs))) return null;
  try {
    const before = sent.find(mail.messageId);
    if (before !== null) {
      await storage.outbox.markSent(mail.id, lease.holder, before.atMs, before.receipt);
      return observed(delivery, mail, { kind: 'known', sentAtMs: before.atMs });
    }
    if (!delivery.isNamed(mail.recipient) && (await storage.outbox.dropMail(mail, lease.holder))) {
      return observed(delivery, mail, { kind: 'dropped' });
    }
    if (channel === null) return await markFault(delivery, mail, null, unreachable);
    const away = delivery.away.get(channel);
    if (away !== undefined) return await putOff(delivery, mail, away.error, away.pauseMs);
    const { ordinary, told } = await storage.outbox.toldBy(mail.id);
    const { fault, dataBegun, receipt } = await attempt(delivery, mail, channel, claimEndsAt);
    if (fault === null) {
      const { messageId, recipient } = mail;
      sent.note({ atMs: now(), messageId, recipient, ordinary, receipt, told: [...told] });
      return await markSent(delivery, mail, channel, receipt);
    }
    if (signal.aborted && !(fault instanceof FleetError && fault.code === 'mail-refused')) {
      return await putOff(delivery, mail, 'interrupted', dataBegun ? pauseAfter(1) : 0);
    }
    return await markFault(delivery, mail, channel, fault);
  } catch (thrown) {
    // The claim ran out while this program was suspended, so another alerter may have the mail.
    if (thrown instanceof FleetError && thrown.code === 'locked' && thrown.stage === 'mail') return null;
    throw thrown;
  }
}

interface Attempted {
  /** The error of the channel; null if the mail was accepted. */
  readonly fault: unknown;
  /** True if the mail may have arrived. */
  readonly dataBegun: boolean;
  /** The receipt of an accepted mail; undefined if the receiver gave none. */
  readonly receipt?: string | undefined;
}

/**
 * Sends a claimed mail. An abort ends the attempt at once if no content has been sent, else after the grace. Throws the
 * storage's errors, among them `locked`: this alerter has lost the mail and has sent nothing of it.
 *
 * `claimEndsAt` is the end of the claim by `performance.now()`, which goes on while a program is suspended. A program
 * that was suspended after its mark and wakes later sends nothing: another alerter may have sent the mail.
 */
export async function attempt(
  { storage, lease, signal, graceMs, now }: Delivery,
  mail: Mail,
  channel: Channel,
  claimEndsAt: number,
): Promise<Attempted> {
  const ending = new AbortController();
  const mark: { state: 'before' | 'begun' | 'failed'; thrown: unknown } = { state: 'before', thrown: null };
  let graceTimer: NodeJS.Timeout | undefined;
  const end = (): void => ending.abort(signal.reason);
  const onAbort = (): void => {
    if (mark.state === 'begun') graceTimer = setTimeout(end, graceMs);
    else end();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const onDataBegun = async (): Promise<void> => {
    try {
      await storage.outbox.markDataBegun(mail.id, lease.holder);
      if (performance.now() >= claimEndsAt) {
        const message = `the claim of mail ${mail.id} ran out before it was sent`;
        throw new FleetError({ code: 'locked', stage: 'mail', message });
      }
      mark.state = 'begun';
    } catch (thrown) {
      mark.state = 'failed';
      mark.thrown = thrown;
      throw thrown;
    }
  };
  let receipt: string | undefined;
  const onReceipt = (given: string): void => void (receipt = given);
  try {
    await channel.send(datedMail(mail, now()), { signal: ending.signal, onDataBegun, onReceipt });
    return { fault: null, dataBegun: true, receipt };
  } catch (thrown) {
    if (mark.state === 'failed') throw mark.thrown;
    return { fault: thrown, dataBegun: mark.state === 'begun' };
  } finally {
    clearTimeout(graceTimer);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Sets the date of a mail that waited long to the time of sending, and says in its first line that it waited. A mail
 * that may have arrived already stays as it is, so that both copies are the same mail.
 */
function datedMail(mail: Mail, nowMs: number): Mail {
  const waitedMs = nowMs - mail.createdAtMs;
  if (mail.dataAtMs !== null || waitedMs < lateMs) return mail;
  const content = dateMail(mail.content, nowMs);
  if (nameIfKind('mail', mail.recipient) === null) return { ...mail, content };
  const cause = mail.attempts > 0 ? ' for the mail server' : '';
  return { ...mail, content: withFirstLine(content, `This mail waited ${durationInWords(waitedMs)}${cause}.`) };
}

async function markFault(
  delivery: Delivery,
  mail: Mail,
  channel: Channel | null,
  thrown: unknown,
): Promise<DeliveryEvent> {
  const fault = asFleetError(thrown, { code: 'internal', stage: 'mail' });
  const error = fault.code === 'internal' ? `${fault.code}: ${messageOf(fault)}` : fault.message;
  const attempts = mail.attempts + 1;
  if (fault.code === 'mail-refused') return await markRefused(delivery, mail, { channel, fault, error });
  const minMs = fault instanceof TryLater ? fault.afterMs : 0;
  if (fault.stage === 'mail' || channel === null) {
    return putOff(delivery, mail, error, Math.max(minMs, pauseAfter(attempts)));
  }
  const longest = awayStages.includes(fault.stage) ? longestAwayMs : longestMs;
  const pauseMs = Math.max(minMs, pauseAfter(attempts, longest));
  delivery.away.set(channel, { error, pauseMs });
  return putOff(delivery, mail, error, pauseMs);
}

interface MailRefusal {
  readonly channel: Channel | null;
  readonly fault: FleetError;
  readonly error: string;
}

/**
 * Records a permanent refusal. A mail about an open alert is tried again with growing pauses, because an address or a
 * receiver may be repaired; so is a mail of the last day about alerts that have ended. Meanwhile a mail with the
 * present state of the alerts may replace it.
 */
async function markRefused(
  delivery: Delivery,
  mail: Mail,
  { channel, fault, error }: MailRefusal,
): Promise<DeliveryEvent> {
  const { storage, lease, now } = delivery;
  const attempts = mail.attempts + 1;
  const isByPolicy = fault.retryable && attempts < policyAttempts;
  const about = channel === null || isByPolicy ? null : await storage.outbox.alertsOfMail(mail.id);
  const isRecent = now() - mail.createdAtMs < endedMs;
  const isTriedAgain = isByPolicy || about === 'open' || (about === 'ended' && isRecent);
  // The notice comes before the mark: a crash in between would leave a refusal without a notice.
  await notifyFallback(delivery, mail, error, !isTriedAgain);
  // An earlier attempt whose answer was lost may have delivered the mail that is refused now.
  const mayBeTaken = fault instanceof TakenInPart || mail.dataAtMs !== null;
  if (!isTriedAgain) {
    await storage.outbox.markFailed(mail.id, lease.holder, error, mayBeTaken);
    return observed(delivery, mail, { kind: 'refused', error });
  }
  const pauseMs = isByPolicy ? Math.max(policyPauseMs, pauseAfter(attempts) + slackMs) : pauseAfterRefusal(attempts);
  return await putOff(delivery, mail, error, pauseMs - slackMs, !mayBeTaken);
}

async function markSent(
  delivery: Delivery,
  mail: Mail,
  channel: Channel,
  receipt: string | undefined,
): Promise<DeliveryEvent> {
  const { storage, lease } = delivery;
  const event = observed(delivery, mail, { kind: 'sent', where: channel.name });
  for (const pauseMs of [...markPausesMs, null]) {
    try {
      await storage.outbox.markSent(mail.id, lease.holder, undefined, receipt);
      break;
    } catch (thrown) {
      const isAway = thrown instanceof FleetError && thrown.retryable && thrown.code !== 'locked';
      if (!isAway || pauseMs === null) throw thrown;
      await sleep(pauseMs);
    }
  }
  return event;
}

async function putOff(
  delivery: Delivery,
  mail: Mail,
  error: string,
  pauseMs: number,
  isRefused = false,
): Promise<DeliveryEvent> {
  await delivery.storage.outbox.markPutOff(mail.id, delivery.lease.holder, pauseMs, error, isRefused);
  return observed(delivery, mail, { kind: 'put-off', error });
}

/** Notifies the fallback address of a refusal, once for each mail: the notice has a Message-ID of its own. */
async function notifyFallback(delivery: Delivery, refused: Mail, reason: string, isFinal: boolean): Promise<void> {
  const { storage, lease, fallback, now } = delivery;
  if (fallback === null) return;
  const notice = await composeRefusalNotice({ refused, reason, isFinal, fallback, nowMs: now() });
  if (notice !== null)
    await storage.notifications.saveNotifications(lease, { mails: [notice], notified: [], closedOut: [] });
}

function observed({ observe }: Delivery, { recipient, messageId }: Mail, outcome: DeliveryOutcome): DeliveryEvent {
  const event = { ...outcome, recipient, messageId };
  observe(event);
  return event;
}
