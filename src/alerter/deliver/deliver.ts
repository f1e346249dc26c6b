import { setTimeout as sleep } from 'node:timers/promises';

import { asError } from '../../notify/within.ts';
import type { Lease, LeaseStore } from '../../storage/store/lease-store.ts';
import { deliverMail } from './deliver-mail.ts';
import type { Delivered, DeliverOptions, Delivery, DeliveryLimits } from './delivery.ts';

const defaultLimits: DeliveryLimits = { phaseMs: 240_000, graceMs: 5_000, batch: 20 };

/**
 * Sends the mails that are due, critical ones first. A committed UPDATE claims each mail before its first byte. A mail
 * is marked as sent only after the other side has accepted it. A mail refused temporarily is retried with growing
 * pauses, and so is a permanently refused mail about an open alert; other refused mails are marked as failed. The
 * fallback address is notified once of a refusal. A refusal delays no other mail. A channel that accepts nothing ends
 * the attempts on it, and all its mails wait. Two alerters at once send each mail once.
 *
 * Throws FleetError if the database is unreachable, or `locked` if another alerter has taken the lease; the remaining
 * mails stay due. Does not close `channels`.
 */
export async function deliver(options: DeliverOptions): Promise<Delivered> {
  const limits = { ...defaultLimits, ...options.limits };
  const endsAtMs = performance.now() + limits.phaseMs;
  const counts = { sent: 0, putOff: 0, refused: 0 };
  const isOver = (): boolean => options.signal.aborted || performance.now() >= endsAtMs;
  if (isOver()) return counts;
  let mails = await options.storage.outbox.dueMails(limits.batch);
  if (mails.length === 0) return counts;
  const lease = await options.takeLease();
  const keeper = keepLease(options.storage.leases, lease);
  const delivery: Delivery = { ...options, lease, graceMs: limits.graceMs, away: new Map() };
  const seen = new Set<number>();
  try {
    for (;;) {
      const fresh = mails.filter(({ id }) => !seen.has(id));
      if (fresh.length === 0) return counts;
      for (const mail of fresh) {
        if (isOver()) return counts;
        keeper.check();
        seen.add(mail.id);
        const event = await deliverMail(delivery, mail).catch((thrown: unknown) => {
          if (options.heed === undefined) throw thrown;
          options.heed(`the mail ${mail.id} to ${mail.recipient}`, thrown);
          return null;
        });
        if (event?.kind === 'sent') counts.sent += 1;
        if (event?.kind === 'put-off') counts.putOff += 1;
        if (event?.kind === 'refused') counts.refused += 1;
      }
      mails = await options.storage.outbox.dueMails(limits.batch);
    }
  } finally {
    await keeper.stop();
  }
}

/** The pause between touches. A lease lapses after a minute without one; a mail server may take as long to answer. */
const touchEveryMs = 15_000;

/** Touches a lease at regular times while mails are sent. */
export function keepLease(leases: Pick<LeaseStore, 'touchLease'>, lease: Lease, eachMs = touchEveryMs) {
  const ending = new AbortController();
  let fault: Error | null = null;
  const touch = async (): Promise<void> => {
    try {
      for (;;) {
        await sleep(eachMs, null, { signal: ending.signal });
        await leases.touchLease(lease);
      }
    } catch (thrown) {
      if (!ending.signal.aborted) fault = asError(thrown);
    }
  };
  const touching = touch();
  return {
    /** Throws the error of the last touch: FleetError `locked` if another alerter has the lease. */
    check: (): void => {
      if (fault !== null) throw fault;
    },
    stop: (): Promise<void> => {
      ending.abort();
      return touching;
    },
  };
}
