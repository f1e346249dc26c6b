/** src/alerter/absence: alerts about missing rows. */

/** The rounds of `<canary>`: when a mail is due, what became of it, and when it is tried again. Pure functions. */
import { least } from '../../platform/group-by.ts';
import type { CanaryConfig } from '../../config/config.ts';
import type { FoundCanary } from '../../notify/replies/find-canaries.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import type { CanaryFinding, CanaryState, CanaryTry } from '../../storage/store/reply-store.ts';
import { describeDuration } from '../../text/durations.ts';
import { calendarDay, wallTime } from '../../text/zone-time.ts';

/** The time within which a canary has to be back, from the mail server's answer. */
export const patienceMs = 15 * minuteMs;
/** The times of the mails of a round, from its first one. */
const pausesMs = [0, 15 * minuteMs, hourMs] as const;
/** The pause between two canaries after a loss, until one is back in time. */
const lostPauseMs = hourMs;
/** After this time no second copy of a canary is looked for. */
const copiesMs = 2 * patienceMs;
/** The most mails of a round that are looked for. */
const maxTries = 30;

/** The schedule of `<canary>`, and the time. */
export interface CanaryTime {
  readonly canary: CanaryConfig;
  readonly zone: string | null;
  readonly nowMs: number;
}

/** Returns the last time at which a canary was due. Days without one are counted from 1970. */
export function lastCanaryDue({ canary: { everyMs, atMinute }, zone, nowMs }: CanaryTime): number {
  const days = Math.max(1, everyMs / dayMs);
  for (let day = calendarDay(zone, nowMs) + dayMs; ; day -= dayMs) {
    const beginMs = wallTime(zone, day, atMinute);
    if ((day / dayMs) % days !== 0 || beginMs > nowMs) continue;
    return everyMs >= dayMs ? beginMs : beginMs + Math.floor((nowMs - beginMs) / everyMs) * everyMs;
  }
}

/** True if a canary of the round may still come back, or come back once more. */
export function isAwaited({ tries, found, roundMs }: CanaryState, nowMs: number): boolean {
  const isOver = found?.roundMs === roundMs && found.kind !== 'lost';
  return !isOver || nowMs - (tries.at(-1)?.atMs ?? 0) < copiesMs;
}

/** Returns the state with a further mail if one is due, else the same state. Begins anew for another address. */
export function withNextTry(state: CanaryState | null, time: CanaryTime, nextToken: () => string): CanaryState {
  const { canary, nowMs } = time;
  const next = (): CanaryTry => ({ token: nextToken(), atMs: nowMs, gone: null, back: null });
  // A round that is still to come is of a wrong clock.
  if (state === null || state.to !== canary.to || state.roundMs > nowMs) {
    return { to: canary.to, roundMs: nowMs, tries: [next()], found: null, newest: null, unreadSinceMs: null };
  }
  const { tries, found, roundMs } = state;
  if (found?.roundMs === roundMs && found.kind !== 'lost') {
    const dueMs = lastCanaryDue(time);
    return dueMs > roundMs ? { ...state, roundMs: dueMs, tries: [next()] } : state;
  }
  // While the mailbox cannot be read, a further mail would show nothing.
  if (state.unreadSinceMs !== null || tries.some(({ gone }) => gone === null)) return state;
  const pauseMs = pausesMs[tries.length];
  const [first, last] = [tries[0]?.atMs ?? 0, tries.at(-1)?.atMs ?? 0];
  const dueMs = found?.roundMs === roundMs ? last + lostPauseMs : pauseMs === undefined ? Infinity : first + pauseMs;
  return nowMs < dueMs ? state : { ...state, tries: [...tries, next()].slice(-maxTries) };
}

/** The findings of a look at the outbox and at the mailbox. */
export interface CanaryLook {
  readonly mails: ReadonlyMap<string, MailSummary>;
  readonly seen: readonly FoundCanary[];
  /** The reason why the mailbox cannot be read; null if it was read to its end. */
  readonly unread: string | null;
  readonly everyMs: number;
  readonly nowMs: number;
}

/** Returns the state after a look. */
export function judgeCanary(state: CanaryState, look: CanaryLook): CanaryState {
  const { roundMs, found, unreadSinceMs } = state;
  const { nowMs, unread } = look;
  const tries = state.tries.map((one) => judgeTry(one, look));
  const judged = { ...state, tries, unreadSinceMs: unread === null ? null : (unreadSinceMs ?? nowMs) };
  const isLost = found?.kind === 'lost';
  const same = found?.roundMs === roundMs ? found : null;
  const as = (kind: CanaryFinding['kind'], more: Partial<CanaryFinding>): CanaryFinding => {
    const known = { ofMs: same?.ofMs ?? roundMs, atMs: same?.kind === kind ? same.atMs : nowMs };
    return { kind, roundMs, afterMs: 0, copies: 0, reason: '', ...known, ...more };
  };
  const inTime = tries.find(({ back }) => back !== null && back.afterMs <= patienceMs);
  const late = tries.find(({ back }) => back !== null && back.afterMs > patienceMs)?.back ?? null;
  if (inTime?.back) {
    const { back } = inTime;
    // The second copy of a canary may come later than the first.
    if (found?.kind === 'repeated' && back.copies === 1 && nowMs - inTime.atMs < patienceMs) return judged;
    const newest = { atMs: nowMs, afterMs: back.afterMs };
    // Mails that arrive after a loss is over show nothing new.
    if (isLost) return { ...judged, tries: [inTime], newest, found: as(kindOf(back), { ...back, ofMs: inTime.atMs }) };
    const isLate = late !== null && kindOf(back) === 'well';
    return { ...judged, newest, found: isLate ? as('late', late) : as(kindOf(back), back) };
  }
  if (late !== null && !isLost) return { ...judged, found: as('late', late) };
  const reason = late === null ? reasonOf(judged, look) : `it arrived after ${describeDuration(late.afterMs, 0)}`;
  return reason === null ? judged : { ...judged, found: as('lost', { reason }) };
}

function kindOf({ copies, isInJunk }: NonNullable<CanaryTry['back']>): CanaryFinding['kind'] {
  return isInJunk ? 'junk' : copies > 1 ? 'repeated' : 'well';
}

function judgeTry(one: CanaryTry, look: CanaryLook): CanaryTry {
  const { mails, seen, unread, nowMs } = look;
  const mail = mails.get(one.token);
  const own = seen.filter(({ token }) => token === one.token);
  const copies = own.filter(({ bounce }) => bounce === null);
  if (copies.length > 0) {
    // The answer of the mail server may have been lost.
    const sentAtMs = mail?.sentAtMs ?? mail?.dataAtMs ?? one.atMs;
    const arrivedAtMs = least([nowMs, ...copies.map((copy) => copy.arrivedAtMs)]);
    const back = {
      afterMs: Math.min(one.back?.afterMs ?? Infinity, Math.max(0, arrivedAtMs - sentAtMs)),
      copies: Math.max(1, copies.filter(({ folder }) => folder === 'mailbox').length),
      isInJunk: copies.every(({ folder }) => folder === 'junk'),
    };
    return { ...one, back };
  }
  const bounce = own[0]?.bounce ?? null;
  if (bounce !== null) return { ...one, gone: `it bounced: ${bounce}` };
  if (one.gone !== null || one.back !== null || mail === undefined) return one;
  if (mail.failedAtMs !== null) return { ...one, gone: `it was refused: ${mail.error ?? ''}` };
  if (isStuck(one, look)) return { ...one, gone: `the mail server has not accepted it: ${mail.error ?? 'not tried'}` };
  const isMissing = mail.sentAtMs !== null && unread === null && nowMs - mail.sentAtMs >= patienceMs;
  return isMissing ? { ...one, gone: '' } : one;
}

/** True if the mail server has not accepted a mail until the next canary is due. It may be away for hours. */
function isStuck({ token, atMs }: CanaryTry, { mails, nowMs, everyMs }: CanaryLook): boolean {
  return mails.get(token)?.sentAtMs === null && nowMs - atMs >= everyMs;
}

/** Returns the reason why the round is lost; null if it is not. */
function reasonOf({ tries, found, unreadSinceMs }: CanaryState, look: CanaryLook): string | null {
  const { nowMs, everyMs, unread } = look;
  if (unreadSinceMs !== null && nowMs - unreadSinceMs >= everyMs) return `its mailbox cannot be read: ${unread ?? ''}`;
  const isOver = tries.length >= pausesMs.length && tries.every(({ gone }) => gone !== null);
  if (!isOver && found?.kind !== 'lost' && !tries.some((one) => isStuck(one, look))) return null;
  const known = tries.findLast(({ gone }) => gone !== null && gone !== '')?.gone;
  return known ?? 'the mail server took it, and it arrived nowhere';
}
