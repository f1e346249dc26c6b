import type { Config, DigestConfig } from '../../config/config.ts';
import { digestOf, domainOf, senderOf } from '../../notify/mail-identity.ts';
import { medianOf } from '../forecast/quantiles.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { DigestStore, MadeDigest, RunTime } from '../../storage/store/digest-store.ts';
import type { NotificationStore } from '../../storage/store/notification-store.ts';
import { lastOccurrences, nextOccurrence, occurrencesSince, type Occurrence } from './digest-times.ts';
import { continuedSpans, isTold, lastTold, type ToldSpan } from './told-spans.ts';

/** A digest that was not made within this time is skipped. */
export const latestMs = 12 * hourMs;
/** A digest that is made within this time is not late: cron starts the alerter every minute. */
const punctualMs = 10 * minuteMs;
/** A digest waits so long for collectors that began before it is due: what they find belongs to it. */
const longestWaitMs = 5 * minuteMs;
/** Two months: that of a monthly digest, and of the one before it if that was skipped. */
const longestSpanMs = 65 * dayMs;

/** The queries from which due digests are found. */
export type DigestTimesStore = Pick<DigestStore, 'madeDigests' | 'runTimes'> &
  Pick<NotificationStore, 'storedMessageIds'>;

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
  /** MailedDigest has the meaning. */
  readonly seenToMs: number;
  readonly seenAgainMs: number;
  readonly recipients: readonly { readonly to: string; readonly messageId: string }[];
}

/** Returns the digests that are due and that not all recipients have in the outbox. */
export async function dueDigests(
  config: Config,
  store: DigestTimesStore,
  nowMs: number,
): Promise<readonly DueDigest[]> {
  const { zone } = config.alerts;
  const due: DueDigest[] = [];
  let made: Made | null = null;
  for (const digest of config.digests) {
    const [newest] = lastOccurrences(digest, zone, nowMs, 1);
    if (newest === undefined || nowMs - newest.dueMs > latestMs) continue;
    made ??= await readMade(store, nowMs);
    const wanted: Wanted[] = [];
    for (const to of digest.to) {
      const told = toldOf(config, digest, to, made);
      if (isTold(told, newest.dueMs)) continue;
      const last = lastTold(told, newest.dueMs);
      const sinceMs = sinceOf(digest, zone, newest, last?.toMs ?? null);
      const messageId = digestMessageId(config, digest, to, newest, last === null ? null : sinceMs);
      wanted.push({ to, messageId, sinceMs, last });
    }
    const stored = await store.storedMessageIds(wanted.map(({ messageId }) => messageId));
    const missing = wanted.filter(({ messageId }) => !stored.has(messageId));
    if (missing.length === 0 || (await isAwaited(config, store, newest.dueMs, nowMs))) continue;
    for (const [, same] of groupBy(missing, ({ sinceMs, last }) => `${sinceMs} ${last?.dueMs}`)) {
      const recipients = same.map(({ to, messageId }) => ({ to, messageId }));
      const [{ sinceMs, last } = { sinceMs: 0, last: null }] = same;
      due.push({ digest, recipients, ...(await spanOf({ config, store, digest, newest, nowMs, sinceMs, last })) });
    }
  }
  return due;
}

/** A recipient without the newest digest. */
interface Wanted {
  readonly to: string;
  readonly messageId: string;
  readonly sinceMs: number;
  /** null if no digest was made. */
  readonly last: ToldSpan | null;
}

/** The digests of the last months, in the order in which they were made. */
interface Made {
  readonly made: readonly MadeDigest[];
  /** ToldOptions has the meaning. */
  readonly early: ReadonlySet<MadeDigest>;
}

async function readMade(store: Pick<DigestStore, 'madeDigests' | 'runTimes'>, nowMs: number): Promise<Made> {
  const made = await store.madeDigests(nowMs - 2 * longestSpanMs);
  const early = new Set<MadeDigest>();
  const hasRun = async (afterMs: number, beforeMs: number): Promise<boolean> =>
    (nowMs > afterMs && nowMs < beforeMs) || (await store.runTimes(afterMs + 1, beforeMs)).length > 0;
  for (const [, same] of groupBy(made, (one) => `${one.digestSeenToMs} ${one.digestSeenAgainMs}`)) {
    const [{ digestSeenToMs, digestSeenAgainMs } = { digestSeenToMs: 0, digestSeenAgainMs: 0 }] = same;
    if (digestSeenToMs >= digestSeenAgainMs || !(await hasRun(digestSeenToMs, digestSeenAgainMs))) continue;
    for (const one of same) early.add(one);
  }
  return { made, early };
}

function toldOf(
  { digests }: Pick<Config, 'digests'>,
  { name }: DigestConfig,
  to: string,
  { made, early }: Made,
): readonly ToldSpan[] {
  const present = new Set(digests.filter((one) => one.to.includes(to)).map((one) => one.name));
  return continuedSpans(name, { made: made.filter(({ recipient }) => recipient === to), early, present });
}

/**
 * Returns the beginning of a digest: the end of the last one, so that spans meet, however late a digest is made and
 * whatever its schedule was before. The first digest begins at the time before its own in the schedule.
 */
function sinceOf(digest: DigestConfig, zone: string | null, { dueMs }: Occurrence, lastMs: number | null): number {
  const before = lastOccurrences(digest, zone, dueMs - 1, 1)[0]?.dueMs ?? dueMs - dayMs;
  return Math.max(lastMs ?? before, Math.min(before, dueMs - longestSpanMs));
}

/**
 * Returns the Message-ID of a digest: a hash of the recipient, the digest's name and the local date, and of the
 * beginning of its span if it follows another one. A wrong clock that leapt ahead thereby does not take the Message-ID
 * of the digest that is due when the time really comes.
 */
export function digestMessageId(
  config: Pick<Config, 'smtp'>,
  { name }: Pick<DigestConfig, 'name'>,
  to: string,
  { date }: Pick<Occurrence, 'date'>,
  sinceMs: number | null,
): string {
  const parts = ['digest', to, name, date, ...(sinceMs === null ? [] : [new Date(sinceMs).toISOString()])];
  return `<${digestOf(parts).slice(0, 32)}@${domainOf(senderOf(config))}>`;
}

/** Returns true if a digest has to wait for a collector that began before the digest was due and still runs. */
async function isAwaited(
  { collector }: Config,
  store: Pick<DigestStore, 'runTimes'>,
  dueMs: number,
  nowMs: number,
): Promise<boolean> {
  if (nowMs - dueMs > longestWaitMs) return false;
  const runs = await store.runTimes(dueMs - collector.runDeadlineMs, dueMs);
  return runs.some(({ program, finishedAtMs }) => program === 'collect' && finishedAtMs === null);
}

interface SpanOptions {
  readonly config: Config;
  readonly store: Pick<DigestStore, 'runTimes'>;
  readonly digest: DigestConfig;
  readonly newest: Occurrence;
  readonly nowMs: number;
  readonly sinceMs: number;
  readonly last: ToldSpan | null;
}

/** Returns the span of a digest, which ends when the digest is due. */
async function spanOf({
  config,
  store,
  digest,
  newest: { dueMs },
  nowMs,
  sinceMs,
  last,
}: SpanOptions): Promise<Omit<DueDigest, 'digest' | 'recipients'>> {
  const runs = await store.runTimes(2 * sinceMs - dueMs, dueMs + latestMs);
  const isMissed = (atMs: number): boolean =>
    !runs.some(
      ({ program, startedAtMs }) =>
        program === 'alert' && startedAtMs >= atMs && startedAtMs <= Math.min(atMs + latestMs, dueMs),
    );
  const afterMs = Math.max(sinceMs, last?.dueMs ?? 0);
  const span = { sinceMs: afterMs, nowMs: dueMs - 1 };
  const skipped = last === null ? [] : occurrencesSince(digest, config.alerts.zone, span).map((one) => one.dueMs);
  return {
    sinceMs,
    untilMs: dueMs,
    ...lastBreak(runs, [sinceMs, dueMs], config.collector.everyMs),
    madeMs: nowMs,
    lateSinceMs: nowMs - dueMs > punctualMs ? dueMs : null,
    missedMs: skipped.filter((atMs) => atMs > afterMs && isMissed(atMs)),
  };
}

/**
 * Returns the last time within a span in which no program ran for more than twice as long as usual; the end if there is
 * none. A digest that a clock ahead causes spans such a time. `runs` are those of the span, and of one as long before.
 */
function lastBreak(
  runs: readonly RunTime[],
  [sinceMs, untilMs]: readonly [number, number],
  everyMs: number,
): Pick<DueDigest, 'seenToMs' | 'seenAgainMs'> {
  const ran = runs.flatMap(({ startedAtMs, finishedAtMs }) => [startedAtMs, finishedAtMs ?? startedAtMs]);
  const all = ran.filter((atMs) => atMs < untilMs).sort((one, other) => one - other);
  const pauses = all.flatMap((atMs, index) => (index === 0 ? [] : [atMs - (all[index - 1] ?? atMs)]));
  const longMs = 2 * Math.max(everyMs, medianOf([everyMs, ...pauses.filter((pauseMs) => pauseMs > 0)]));
  const times = [sinceMs, ...all.filter((atMs) => atMs > sinceMs)];
  const last = times.findLastIndex((atMs, index) => (times[index + 1] ?? untilMs) - atMs > longMs);
  return { seenToMs: times[last] ?? untilMs, seenAgainMs: last < 0 ? untilMs : (times[last + 1] ?? untilMs) };
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
  store: Pick<DigestStore, 'madeDigests' | 'runTimes'>,
  nowMs: number,
): Promise<readonly DigestState[]> {
  const made = await readMade(store, nowMs);
  return config.digests.map((digest) => {
    const told = digest.to.flatMap((to) => toldOf(config, digest, to, made));
    return {
      digest,
      lastMs: lastTold(told, nowMs)?.dueMs ?? null,
      nextMs: nextOccurrence(digest, config.alerts.zone, nowMs).dueMs,
    };
  });
}
