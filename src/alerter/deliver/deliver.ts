import { deliverMail } from './deliver-mail.ts';
import type { Delivered, DeliveryEvent, SendingLimits } from './delivery.ts';
import { keepLease } from './keep-lease.ts';
import type { DeliverOptions, Sending } from './delivery.ts';

export const sendingLimits: SendingLimits = { phaseMs: 240_000, graceMs: 5_000, batch: 20 };

/**
 * Sends what is due, critical mails first: each is claimed by a committed UPDATE before its first byte and marked as sent
 * only after the other side has taken it. What is refused for now is put off with growing pauses; what is refused for
 * good is marked so, and the fallback address is told, once. A refusal holds up no other mail; a way that is closed ends
 * the attempts that way, and all its mails wait. Two who do it at once send each mail once.
 *
 * Throws FleetError when the database is away, or `locked` when somebody else has taken the lease: mails that are left
 * stay due. Does not close `ways`.
 */
export async function deliver(options: DeliverOptions): Promise<Delivered> {
  const limits = { ...sendingLimits, ...options.limits };
  const endsAtMs = performance.now() + limits.phaseMs;
  const counts = { sent: 0, putOff: 0, failed: 0 };
  const isOver = (): boolean => options.signal.aborted || performance.now() >= endsAtMs;
  if (isOver()) return counts;
  let mails = await options.store.dueMails(limits.batch);
  if (mails.length === 0) return counts;
  const lease = await options.takeLease();
  const keeper = keepLease(options.store, lease);
  const sending: Sending = { ...options, lease, graceMs: limits.graceMs, away: new Map() };
  const seen = new Set<number>();
  try {
    for (;;) {
      const fresh = mails.filter(({ id }) => !seen.has(id));
      if (fresh.length === 0) return counts;
      for (const mail of fresh) {
        if (isOver()) return counts;
        keeper.check();
        seen.add(mail.id);
        count(counts, await deliverMail(sending, mail));
      }
      mails = await options.store.dueMails(limits.batch);
    }
  } finally {
    await keeper.stop();
  }
}

function count(counts: { -readonly [Key in keyof Delivered]: number }, event: DeliveryEvent | null): void {
  if (event === null) return;
  if (event.kind === 'sent') counts.sent += 1;
  else if (event.kind === 'put-off') counts.putOff += 1;
  else if (event.kind === 'refused') counts.failed += 1;
}
