import type { Config, DigestConfig } from '../../config/config.ts';
import { digestOf, domainOf, senderOf } from '../../notify/mail-identity.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { NotificationStore } from '../../storage/store/notification-store.ts';
import { lastOccurrences, nextOccurrence, type Occurrence } from './digest-times.ts';

/** A digest that was not made within this time is skipped. */
export const latestMs = 12 * hourMs;
/** A digest that is made within this time is not late: cron starts the alerter every minute. */
const punctualMs = 10 * minuteMs;
/** The most earlier digests that are looked up. */
const maxEarlier = 10;
/** Two months: that of a monthly digest, and of the one before it if that was skipped. */
const longestSpanMs = 65 * dayMs;

/** The span of a digest, and its relation to the schedule. */
export interface DigestSpan {
  readonly sinceMs: number;
  readonly untilMs: number;
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
    const wanted = digest.to.map((to) => ({ to, messageId: digestMessageId(config, digest, to, newest) }));
    const stored = await store.storedMessageIds(wanted.map(({ messageId }) => messageId));
    const recipients = wanted.filter(({ messageId }) => !stored.has(messageId));
    if (recipients.length === 0) continue;
    const earlier = lastOccurrences(digest, zone, nowMs, 1 + maxEarlier).slice(1);
    due.push({ digest, recipients, ...(await spanOf({ config, store, digest, newest, earlier, nowMs })) });
  }
  return due;
}

/**
 * Returns the Message-ID of a digest: a hash of the recipient, the digest's name and the local date, so that each
 * digest is made once.
 */
export function digestMessageId(
  config: Pick<Config, 'smtp'>,
  { name }: Pick<DigestConfig, 'name'>,
  to: string,
  { date }: Pick<Occurrence, 'date'>,
): string {
  return `<${digestOf(['digest', to, name, date]).slice(0, 32)}@${domainOf(senderOf(config))}>`;
}

interface SpanOptions {
  readonly config: Config;
  readonly store: Pick<NotificationStore, 'storedMessageIds'>;
  readonly digest: DigestConfig;
  readonly newest: Occurrence;
  /** Newest first. */
  readonly earlier: readonly Occurrence[];
  readonly nowMs: number;
}

/** Returns the span since the last made digest was due. If none was made, no digest counts as missed. */
async function spanOf({ config, store, digest, newest, earlier, nowMs }: SpanOptions): Promise<DigestSpan> {
  const lastMade = await findMade(config, store, digest, earlier);
  const begin = earlier[Math.max(0, lastMade)]?.dueMs ?? newest.dueMs - dayMs;
  return {
    sinceMs: Math.max(begin, nowMs - longestSpanMs),
    untilMs: nowMs,
    lateSinceMs: nowMs - newest.dueMs > punctualMs ? newest.dueMs : null,
    missedMs: earlier
      .slice(0, Math.max(0, lastMade))
      .map(({ dueMs }) => dueMs)
      .reverse(),
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
    const earlier = lastOccurrences(digest, zone, nowMs, maxEarlier);
    const made = await findMade(config, store, digest, earlier);
    states.push({
      digest,
      lastMs: earlier[made]?.dueMs ?? null,
      nextMs: nextOccurrence(digest, zone, nowMs).dueMs,
    });
  }
  return states;
}

/** Returns the index of the first occurrence with a stored mail; -1 if there is none. */
async function findMade(
  config: Config,
  store: Pick<NotificationStore, 'storedMessageIds'>,
  digest: DigestConfig,
  occurrences: readonly Occurrence[],
): Promise<number> {
  const idsOf = (one: Occurrence): readonly string[] => digest.to.map((to) => digestMessageId(config, digest, to, one));
  const stored = await store.storedMessageIds(occurrences.flatMap(idsOf));
  return occurrences.findIndex((one) => idsOf(one).some((id) => stored.has(id)));
}
