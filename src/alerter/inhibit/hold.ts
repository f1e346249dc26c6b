import type { Severity } from '../../config/config.ts';
import type { Episode } from '../../storage/store/episode.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Bastions } from './bastions-gone.ts';
import type { Covers } from './covers.ts';
import { isOnWayBack } from './difference.ts';
import type { Known } from './difference.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import { hears, outsideHours, stoodForBy } from './recipients-of.ts';
import type { Watch } from './recipients-of.ts';
import { longestGapMs } from '../transition/step-episode.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { HoldReason } from './hold-reason.ts';
import type { World } from './world.ts';

/** The reasons that hold an alert back, and the end of what covered an alert that is only listed. */
export interface Hold {
  /** All reasons that hold for everybody; empty: it may be told. */
  readonly reasonsFor: (episode: Episode) => readonly HoldReason[];
  /**
   * The alert that the recipient is told instead: that the client is away, or a fault of its collector. An alert stands
   * for no worse one, and for nothing while a person mutes it for a recipient who was not told of it before.
   */
  readonly insteadFor: (episode: Episode, recipient: string) => HoldReason | null;
  /**
   * The end of what covered a whole closed episode: a silence, a window, or a fault of its collector that the recipient
   * was told instead; null if nothing did.
   */
  readonly wentByUntilMs: (episode: Episode, recipient: string) => number | null;
  /** The alert of the collector's own fault that stands for a client's one; null: there is none. */
  readonly standInFor: (episode: Episode) => Episode | null;
}

interface HoldOptions {
  readonly world: World;
  readonly covers: Covers;
  readonly watchOf: (key: Pick<Episode, 'client' | 'rule'>) => Watch;
}

export function openHold({ world, covers, watchOf }: HoldOptions): Hold {
  const { nowMs, episodes, config, newestRowMs, runsUnderWay } = world;
  const graceMs = longestGapMs(config.collector.everyMs);
  const unreachable = groupBy(
    episodes.filter(({ rule, state }) => rule === 'unreachable' && state !== 'pending'),
    ({ client }) => client,
  );
  const standIns = createStandIns(world);
  const told = new Map(world.told.map((one) => [`${one.alertId} ${one.recipient}`, one]));
  const isTold = (standIn: Episode, { severity }: Episode, recipient: string): boolean => {
    const before = told.get(`${standIn.id ?? ''} ${recipient}`);
    if (before !== undefined && compareSeverity(before.severity, severity) <= 0) return true;
    const listener = watchOf(standIn).listeners.get(recipient);
    return (
      listener !== undefined &&
      hears(listener, standIn.severity) &&
      compareSeverity(standIn.severity, severity) <= 0 &&
      covers.reasonsAt(standIn, nowMs).length === 0 &&
      outsideHours(listener, standIn.severity, nowMs) === null
    );
  };
  return {
    reasonsFor: (episode) => {
      const reasons: HoldReason[] = [...covers.reasonsAt(episode, nowMs)];
      const endMs = covers.lastEndMs(episode, nowMs);
      if (endMs !== null && !isConfirmed(episode, endMs, newestRowMs.get(episode.client) ?? null, graceMs)) {
        reasons.push({ kind: 'unconfirmed' });
      }
      const { client } = watchOf(episode);
      if (client?.state === 'paused') reasons.push({ kind: 'paused', untilMs: client.untilMs });
      const { changedByRun } = episode;
      if (changedByRun !== null && runsUnderWay.has(changedByRun)) reasons.push({ kind: 'run', runId: changedByRun });
      return reasons;
    },
    insteadFor: (episode, recipient) => {
      const newestMs = newestRowMs.get(episode.client) ?? null;
      const lost = visitConditions.includes(episode.rule) ? [] : (unreachable.get(episode.client) ?? []);
      const isInstead = (one: Episode): boolean =>
        isAway(one, newestMs, nowMs - graceMs) && isTold(one, episode, recipient);
      if (lost.some(isInstead)) return { kind: 'unreachable' };
      const standIn = standIns(episode);
      if (standIn?.state !== 'firing' || !isTold(standIn, episode, recipient)) return null;
      return { kind: standIn.rule === 'collector-silent' ? 'collector-silent' : 'isolated' };
    },
    wentByUntilMs: (episode, recipient) => {
      const { firingSinceMs, resolvedAtMs } = episode;
      if (firingSinceMs === null || resolvedAtMs === null) return null;
      const coveredMs = covers.coveredUntilMs(episode, firingSinceMs, resolvedAtMs, graceMs);
      if (coveredMs !== null) return coveredMs;
      const standIn = standIns(episode);
      if (standIn === null || !isTold(standIn, episode, recipient)) return null;
      const endMs = standIn.resolvedAtMs ?? nowMs;
      return resolvedAtMs <= endMs + graceMs ? endMs : null;
    },
    standInFor: standIns,
  };
}

/** Whether what it says was so after a silence or window had ended, by the client's own rows. */
function isConfirmed(episode: Episode, endMs: number, newestRowMs: number | null, graceMs: number): boolean {
  // These do not follow from rows: each pass confirms them.
  if (episode.client === '' || episode.rule === 'no-report' || episode.closedReason === 'unwatched') return true;
  const { state, progress, flapping, resolvedAtMs } = episode;
  if (state === 'resolved') return (resolvedAtMs ?? 0) > endMs || (newestRowMs ?? 0) > endMs;
  // A row on the way back confirms nothing: the next one decides, unless such rows go on.
  const isOverdue = progress.lastAtMs - endMs > graceMs;
  return progress.lastAtMs > endMs && (flapping || isOverdue || !isOnWayBack(episode));
}

/** True until the client's first new row is judged, or until it is overdue: a client may answer and report nothing. */
function isAway(lost: Episode, newestRowMs: number | null, dueMs: number): boolean {
  const { state, closedReason, resolvedAtMs } = lost;
  // One that flaps goes on firing while visits succeed.
  if (state === 'firing') return !isOnWayBack(lost);
  return (
    closedReason === 'recovered' && resolvedAtMs !== null && resolvedAtMs >= dueMs && (newestRowMs ?? 0) < resolvedAtMs
  );
}

/**
 * Finds the alert of a collector's own fault that began before a client's alert ended, see `stoodForBy`.
 */
function createStandIns({ episodes, collectorOfRun }: World): Hold['standInFor'] {
  const begun = episodes.filter(({ client, state }) => client === '' && state !== 'pending');
  const byRule = new Map(
    [...stoodForBy].map(([rule, condition]) => [condition, begun.filter((one) => one.rule === rule)] as const),
  );
  return (episode) => {
    const own = episode.client === '' ? undefined : byRule.get(episode.rule);
    if (own === undefined || episode.firingSinceMs === null || episode.progress.isNetwork === false) return null;
    const begunMs = episode.firingSinceMs;
    const collector = collectorOfRun?.get(episode.changedByRun ?? '') ?? null;
    const standIn = own.find(
      (one) =>
        (collector === null || collector === one.subject) &&
        one.pendingSinceMs <= begunMs &&
        (one.resolvedAtMs === null || begunMs < one.resolvedAtMs),
    );
    return standIn ?? null;
  };
}

/** Holds back reminders, until its time, the end of the episode, or something worse. */
export function isAcknowledged(episode: Episode, nowMs: number): boolean {
  const { acknowledgedBy, acknowledgedUntilMs, acknowledgedSeverity, severity } = episode;
  if (acknowledgedBy === null || (acknowledgedUntilMs !== null && acknowledgedUntilMs <= nowMs)) return false;
  return !(acknowledgedSeverity === 'warning' && severity === 'critical');
}

/** One alert `unreachable` of a client behind a bastion, and what its recipient knows of it. */
export interface ToldUnreachable {
  readonly client: string;
  readonly known: Known;
}

/**
 * Returns the bastions that the recipient was told of, and the worst severity of that. A mail that tells of two clients
 * behind a lost bastion names the bastion. One client more behind it is no news, unless it is worse.
 */
export function knownLostBastions(bastions: Bastions, told: readonly ToldUnreachable[]): ReadonlyMap<string, Severity> {
  const mails = groupBy(
    told.flatMap(({ client, known }) => {
      const lost = bastions.lostFor(client);
      if (lost === null || known?.state !== 'firing' || known.toldAtMs < lost.sinceMs) return [];
      return [{ name: lost.name, toldAtMs: known.toldAtMs, severity: known.severity }];
    }),
    ({ name, toldAtMs, severity }) => `${toldAtMs} ${severity} ${name}`,
  );
  const named = [...mails.values()].flatMap(([first, second]) => (first && second ? [first] : []));
  const warningsFirst = named.sort((one, other) => compareSeverity(other.severity, one.severity));
  return new Map(warningsFirst.map(({ name, severity }) => [name, severity]));
}
