import { FleetError } from '../../errors.ts';
import { dateMail } from '../../notify/mime.ts';
import type { Mail } from '../../storage/store/alert-store.ts';
import type { Way } from './delivery.ts';
import type { Sending } from './delivery.ts';
import { minuteMs } from '../../platform/units.ts';

/** A mail that waited longer would stand far down in an inbox. */
const lateMs = 5 * minuteMs;

/** What came of it. */
export interface Attempted {
  /** What the notifier threw; null: the mail was taken. */
  readonly fault: unknown;
  /** The mail may have arrived. */
  readonly dataBegun: boolean;
}

/**
 * Sends a claimed mail. An abort ends it at once while nothing of the content has left, and after the grace otherwise.
 * Throws what the storage throws, `locked` among it: the mail is no longer ours, and nothing of it has left.
 *
 * `claimEndsAt` is when the claim runs out, by `performance.now()`, which goes on while a program is suspended: one that was
 * suspended after its mark and wakes later sends nothing, for somebody else may have.
 */
export async function attempt(sending: Sending, mail: Mail, way: Way, claimEndsAt: number): Promise<Attempted> {
  const { store, lease, signal, graceMs } = sending;
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
      await store.markDataBegun(mail.id, lease.holder);
      if (performance.now() >= claimEndsAt) throw claimRanOut(mail);
      mark.state = 'begun';
    } catch (thrown) {
      mark.state = 'failed';
      mark.thrown = thrown;
      throw thrown;
    }
  };
  const { timeoutMs, answerTimeoutMs } = way;
  try {
    await way.notifier.send(datedMail(mail, sending.now()), {
      timeoutMs,
      answerTimeoutMs,
      signal: ending.signal,
      onDataBegun,
    });
    return { fault: null, dataBegun: true };
  } catch (thrown) {
    if (mark.state === 'failed') throw mark.thrown;
    return { fault: thrown, dataBegun: mark.state === 'begun' };
  } finally {
    clearTimeout(graceTimer);
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The mail with the time of its sending for a date where it waited long. One that may have arrived already goes out as
 * it was, so that both are the same mail.
 */
function datedMail(mail: Mail, nowMs: number): Mail {
  const isLate = mail.dataAtMs === null && nowMs - mail.createdAtMs >= lateMs;
  return isLate ? { ...mail, content: dateMail(mail.content, nowMs) } : mail;
}

function claimRanOut({ id }: Mail): FleetError {
  return new FleetError({
    code: 'locked',
    stage: 'mail',
    message: `the claim of mail ${id} ran out before it was sent`,
  });
}
