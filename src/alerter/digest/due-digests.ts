import type { Config, DigestConfig } from '../../config/config.ts';
import { digestOf, domainOf, senderOf } from '../../notify/mail-identity.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { NotificationStore } from '../../storage/store/notification-store.ts';
import { lastOccurrences, nextOccurrence, occurrencesSince, type Occurrence } from './digest-times.ts';

/** A digest that was not made within this time is skipped. */
export const latestMs = 12 * hourMs;
/** A digest that is made within this time is not late: cron starts the alerter every minute. */
const punctualMs = 10 * minuteMs;
/** Two months: that of a monthly digest, and of the one before it if that was skipped. */
const longestSpanMs = 65 * dayMs;
/** Digests of this time are looked up: one that ended the longest span may itself have followed skipped ones. */
const lookedBackMs = 2 * longestSpanMs;

function lookedBack(nowMs: number): { readonly sinceMs: number; readonly nowMs: number } {
  return { sinceMs: nowMs - lookedBackMs, nowMs };
}

/** The span of a digest, and its relation to the schedule. */
export interface DigestSpan {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The time at which the digest is made; absent if it is made at the end of its span. */
  readonly madeMs?: number;
  /** The time at which the digest was due, if it is made late; else null. */
  readonly lateSinceMs: number | null;
  /** The times of earlier digests that were never made, oldest first. */
  readonly missedMs: readonly number[];
}

/** A digest that has to be made now, for some recipients. */
export interface DueDigest extends DigestSpan {
  readonly digest: DigestConfig;
  readonly recipients: readonly { readonly to: string; readonly messageId: string }[];
}

/** Returns the digests that are due and that not all recipients have in the outbox. */
export async function dueDigests(
  config: Config,
  store: Pick<NotificationStore, 'storedMessageIds'>,
  nowMs: number,
): Promise<readonly DueDigest[]> {
  const { zone } = config.alerts;
  const due: DueDigest[] = [];
  for (const digest of config.digests) {
    const [newest] = lastOccurrences(digest, zone, nowMs, 1);
    if (newest === undefined || nowMs - newest.dueMs > latestMs) continue;
    const stored = await store.storedMessageIds(digest.to.map((to) => digestMessageId(config, digest, to, newest)));
    if (stored.size === new Set(digest.to).size) continue;
    const earlier = occurrencesSince(digest, zone, lookedBack(newest.dueMs - 1));
    const wanted: Wanted[] = [];
    for (const to of digest.to) {
      const { made, next } = await followMade({ config, store, digest, to }, [...earlier, newest]);
      if (made !== newest) wanted.push({ to, messageId: next, last: made });
    }
    for (const [last, recipients] of groupBy(wanted, (one) => one.last)) {
      const span = spanOf({ newest, earlier, last, nowMs });
      due.push({ digest, recipients: recipients.map(({ to, messageId }) => ({ to, messageId })), ...span });
    }
  }
  return due;
}

/** A recipient without the newest digest. */
interface Wanted {
  readonly to: string;
  readonly messageId: string;
  readonly last: Occurrence | null;
}

/**
 * Returns the Message-ID of a digest: a hash of the recipient, the digest's name and the local date, so that each
 * digest is made once. A digest after skipped ones names the last made one too. A wrong clock that leapt ahead thereby
 * does not take the Message-ID of the digest that is due when the time really comes.
 */
export function digestMessageId(
  config: Pick<Config, 'smtp'>,
  { name }: Pick<DigestConfig, 'name'>,
  to: string,
  { date }: Pick<Occurrence, 'date'>,
  afterSkipped: Pick<Occurrence, 'date'> | null = null,
): string {
  const parts = ['digest', to, name, date, ...(afterSkipped === null ? [] : [afterSkipped.date])];
  return `<${digestOf(parts).slice(0, 32)}@${domainOf(senderOf(config))}>`;
}

interface FollowOptions {
  readonly config: Config;
  readonly store: Pick<NotificationStore, 'storedMessageIds'>;
  readonly digest: DigestConfig;
  readonly to: string;
}

/**
 * Returns the last made of some occurrences, oldest first, for one recipient, and the Message-ID of a digest for the
 * last occurrence. A digest after skipped ones counts only while these are skipped: if one of them was made
 * afterwards, the clock was wrong.
 */
async function followMade(
  { config, store, digest, to }: FollowOptions,
  occurrences: readonly Occurrence[],
): Promise<{ readonly made: Occurrence | null; readonly next: string }> {
  const idOf = (one: Occurrence, after: Occurrence | null = null): string =>
    digestMessageId(config, digest, to, one, after);
  const stored = await store.storedMessageIds(occurrences.map((one) => idOf(one)));
  let [made, before]: [Occurrence | null, Occurrence | null] = [null, null];
  let next = '';
  for (let index = 0; index < occurrences.length; index += 1) {
    const one = occurrences[index];
    if (one === undefined) continue;
    next = idOf(one, made === before ? null : made);
    if (stored.has(idOf(one))) made = one;
    else if (made !== null && made !== before) {
      // All that are skipped in a row are looked up at once.
      const after: Occurrence = made;
      const rest = occurrences.slice(index);
      const length = rest.findIndex((later) => stored.has(idOf(later)));
      const skipped = length < 0 ? rest : rest.slice(0, length);
      const found = await store.storedMessageIds(skipped.map((later) => idOf(later, after)));
      const step = skipped.findIndex((later) => found.has(idOf(later, after)));
      index += step < 0 ? skipped.length - 1 : step;
      if (step >= 0) made = skipped[step] ?? null;
      next = idOf(occurrences[index] ?? one, after);
    }
    before = occurrences[index] ?? one;
  }
  return { made, next };
}

interface SpanOptions {
  readonly newest: Occurrence;
  /** Oldest first. */
  readonly earlier: readonly Occurrence[];
  /** The last made digest; null if none was made. */
  readonly last: Occurrence | null;
  readonly nowMs: number;
}

/**
 * Returns the span from the time at which the last made digest was due to that of this one. Spans thereby meet,
 * however late a digest is made. If none was made, no digest counts as missed.
 */
function spanOf({ newest, earlier, last, nowMs }: SpanOptions): DigestSpan {
  const before = earlier.at(-1)?.dueMs ?? newest.dueMs - dayMs;
  const lateMs = nowMs - newest.dueMs;
  const sinceMs = Math.max(last?.dueMs ?? before, Math.min(before, newest.dueMs - longestSpanMs));
  return {
    sinceMs,
    untilMs: newest.dueMs,
    madeMs: nowMs,
    lateSinceMs: lateMs > punctualMs ? newest.dueMs : null,
    missedMs: last === null ? [] : earlier.map(({ dueMs }) => dueMs).filter((dueMs) => dueMs > last.dueMs),
  };
}

/** A digest's last due time for which mails were made, and its next due time. */
export interface DigestState {
  readonly digest: DigestConfig;
  /** null if none of the last digests was made. */
  readonly lastMs: number | null;
  readonly nextMs: number;
}

/** Returns the state of every digest of config.xml. */
export async function digestStates(
  config: Config,
  store: Pick<NotificationStore, 'storedMessageIds'>,
  nowMs: number,
): Promise<readonly DigestState[]> {
  const { zone } = config.alerts;
  const states: DigestState[] = [];
  for (const digest of config.digests) {
    const occurrences = occurrencesSince(digest, zone, lookedBack(nowMs));
    let lastMs: number | null = null;
    for (const to of digest.to) {
      const { made } = await followMade({ config, store, digest, to }, occurrences);
      if (made !== null) lastMs = Math.max(lastMs ?? made.dueMs, made.dueMs);
    }
    states.push({ digest, lastMs, nextMs: nextOccurrence(digest, zone, nowMs).dueMs });
  }
  return states;
}
