import type { Severity } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import type { LostParents } from './lost-parents.ts';
import type { Mutes } from './mutes.ts';
import { isReturning, type Known } from './difference.ts';
import { foreseenBy, isNearlyFull, isOfRows, visitConditions } from '../evaluate/rule-metric.ts';
import { longestGapMs } from '../transition/progress.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { Easing } from './easing.ts';
import type { HoldReason } from './hold-reason.ts';
import type { DispatchInput } from './dispatch-input.ts';
import { type Listener, outsideHours, hears, listenerAt } from '../../config/recipients/listeners.ts';
import type { Watch, WatchKey } from './watches.ts';
import { createStandIns } from './stand-ins.ts';

/** The reasons that hold an alert back, and the end of the inhibition of an alert that is only listed. */
export interface Inhibition {
  /** Returns all reasons that hold for everybody. Empty if the alert may be notified. */
  readonly reasonsFor: (alert: Alert) => readonly HoldReason[];
  /**
   * Returns a reason if the recipient is notified of another alert instead: a group lacks members, the client is
   * unreachable, its file system nearly full, or its collector at fault. The other alert stands for no worse one. While
   * it is muted, it stands for none unless the recipient was notified of it before.
   */
  readonly insteadFor: (alert: Alert, recipient: string) => HoldReason | null;
  /**
   * Returns a reason if a recipient with `after` is not notified of a critical alert yet, or not at all because
   * somebody has acknowledged it. The time begins anew at the end of a silence or window.
   */
  readonly waitsFor: (alert: Alert, listener: Listener) => HoldReason | null;
  /**
   * Returns the end of the inhibition that covered a closed alert as a whole: a silence, a window, or a fault of its
   * collector that the recipient was notified of instead; null if there was none.
   */
  readonly wentByUntilMs: (alert: Alert, recipient: string) => number | null;
  /** Returns the alert of the collector's own fault that stands for an alert of a client, or null. */
  readonly standInFor: (alert: Alert) => Alert | null;
  /** Returns the alerts of the state that an alert foresees, open now or since the forecast was last evaluated. */
  readonly nearlyFull: (alert: Alert) => readonly Alert[];
}

interface InhibitionOptions {
  readonly input: DispatchInput;
  readonly mutes: Mutes;
  readonly watchOf: (key: WatchKey) => Watch;
  /** null if config.xml has no group that needs some of its members. */
  readonly easing: Easing | null;
}

export function openInhibition({ input, mutes, watchOf, easing }: InhibitionOptions): Inhibition {
  const { nowMs, alerts, config, newestRowMs, newestVisitMs = newestRowMs, unfinishedRuns } = input;
  const graceMs = longestGapMs(config.collector.everyMs);
  const unreachable = groupBy(
    alerts.filter(({ rule }) => rule === 'unreachable'),
    ({ client }) => client,
  );
  const standIns = createStandIns(input);
  const nearlyFull = openNearlyFull(alerts, watchOf, nowMs);
  const reasonsFor: Inhibition['reasonsFor'] = (alert) => {
    const reasons: HoldReason[] = [...mutes.reasonsAt(alert, nowMs)];
    const endMs = mutes.lastEndMs(alert, nowMs);
    const { client, rule } = watchOf(alert);
    const newest = visitConditions.includes(alert.rule) ? newestVisitMs : newestRowMs;
    const newestMs = newest.get(alert.client) ?? null;
    const isAwaited = endMs !== null && hasRows(rule) && !isConfirmed(alert, endMs, newestMs, graceMs);
    if (isAwaited) reasons.push({ kind: 'unconfirmed' });
    if (client?.state === 'paused') reasons.push({ kind: 'paused', untilMs: client.untilMs });
    const { changedByRun } = alert;
    if (changedByRun !== null && unfinishedRuns.has(changedByRun)) reasons.push({ kind: 'run', runId: changedByRun });
    return reasons;
  };
  const waitsFor = createWaitsFor({ input, mutes, watchOf, easing });
  const isNotified = createIsNotified({ input, watchOf, easing }, { reasonsFor, waitsFor });
  return {
    waitsFor,
    reasonsFor,
    insteadFor: (alert, recipient) => {
      const newestMs = newestRowMs.get(alert.client) ?? null;
      const short = easing?.shortFor(alert) ?? null;
      if (short !== null && isNotified(short, alert, recipient)) return { kind: 'group-short', group: short.subject };
      const lost = visitConditions.includes(alert.rule) ? [] : (unreachable.get(alert.client) ?? []);
      const isInstead = (one: Alert): boolean =>
        isAway(one, newestMs, nowMs - graceMs) && isNotified(one, alert, recipient);
      if (lost.some(isInstead)) return { kind: 'unreachable' };
      const full = nearlyFull(alert).find((one) => isNotified(one, alert, recipient));
      if (full !== undefined) return { kind: 'nearly-full', rule: full.rule };
      const standIn = standIns(alert);
      if (standIn?.state !== 'firing' || !isNotified(standIn, alert, recipient)) return null;
      if (standIn.rule === 'collector-silent' || standIn.rule === 'collector-fault') return { kind: standIn.rule };
      return { kind: 'isolated' };
    },
    wentByUntilMs: (alert, recipient) => {
      const { firingSinceMs, resolvedAtMs } = alert;
      if (firingSinceMs === null || resolvedAtMs === null) return null;
      const coveredMs = mutes.coveredUntilMs(alert, firingSinceMs, resolvedAtMs, graceMs);
      if (coveredMs !== null) return coveredMs;
      const standIn = standIns(alert);
      if (standIn === null || !isNotified(standIn, alert, recipient)) return null;
      const endMs = standIn.resolvedAtMs ?? nowMs;
      return resolvedAtMs <= endMs + graceMs ? endMs : null;
    },
    standInFor: standIns,
    nearlyFull,
  };
}

/** True if somebody acknowledged an alert outside of the recipient's hours: then it is no news once these begin. */
export function isAcknowledgedBeyondHours(alert: Alert, listener: Listener, nowMs: number): boolean {
  if (alert.state !== 'firing' || !isAcknowledged(alert, nowMs)) return false;
  return outsideHours(listener, alert.severity, alert.acknowledgedAtMs ?? nowMs) !== null;
}

/** Returns a function that finds why a recipient with `after` is not notified yet. */
function createWaitsFor({ input: { nowMs }, mutes, easing }: InhibitionOptions): Inhibition['waitsFor'] {
  return (alert, { afterMs = null }) => {
    if (afterMs === null) return null;
    const short = easing?.shortFor(alert) ?? null;
    const acknowledged = [alert, short].find((one) => one !== null && isAcknowledged(one, nowMs)) ?? null;
    if (acknowledged !== null) return acknowledgement(acknowledged);
    const { firingSinceMs, pendingSinceMs, progress } = alert;
    const criticalMs = progress.severitySinceMs ?? firingSinceMs ?? pendingSinceMs;
    // Until its group lacked members the alert was told as a warning.
    const shortMs = short?.firingSinceMs ?? criticalMs;
    const sinceMs = Math.max(criticalMs, shortMs, mutes.lastEndMs(alert, nowMs) ?? criticalMs);
    // A time further ahead than `after` comes from a wrong clock.
    return Math.abs(nowMs - sinceMs) < afterMs ? { kind: 'after', untilMs: sinceMs + afterMs } : null;
  };
}

/**
 * Returns a function that is true if a recipient was told of a stand-in before, or will be now, at a severity no
 * milder than the alert's. What counts is the severity that the recipient was or is told, which easing makes milder.
 */
function createIsNotified(
  { input, watchOf, easing }: Omit<InhibitionOptions, 'mutes'>,
  { reasonsFor, waitsFor }: Pick<Inhibition, 'reasonsFor' | 'waitsFor'>,
) {
  const { nowMs } = input;
  const notified = new Map(input.notified.map((one) => [`${one.alertId} ${one.recipient}`, one]));
  return (standIn: Alert, { severity }: Alert, recipient: string): boolean => {
    const told = easing?.toldSeverity(standIn) ?? standIn.severity;
    // An alert that was told as critical is told as a warning once it is eased.
    if (standIn.state === 'firing' && compareSeverity(told, severity) > 0) return false;
    const before = notified.get(`${standIn.id ?? ''} ${recipient}`);
    if (before !== undefined && compareSeverity(before.severity, severity) <= 0) return true;
    const named = watchOf(standIn).listeners.get(recipient);
    const listener = named && listenerAt(named, told, nowMs);
    return (
      listener !== undefined &&
      hears(listener, told) &&
      compareSeverity(told, severity) <= 0 &&
      // A run that goes on delays the mail about both until its end.
      reasonsFor(standIn).every(({ kind }) => kind === 'run') &&
      waitsFor(standIn, listener) === null &&
      outsideHours(listener, told, nowMs) === null &&
      !isAcknowledgedBeyondHours(standIn, listener, nowMs)
    );
  };
}

/**
 * Returns a function that finds the alerts of the state that an alert foresees for its mount. An ended alert counts
 * until the forecast is evaluated again: the last one was made while the file system was nearly full.
 */
function openNearlyFull(
  alerts: readonly Alert[],
  watchOf: InhibitionOptions['watchOf'],
  nowMs: number,
): (alert: Alert) => readonly Alert[] {
  const isRecent = ({ resolvedAtMs }: Alert): boolean => resolvedAtMs !== null && nowMs - resolvedAtMs < dayMs;
  const fired = groupBy(
    alerts.filter((one) => one.subject !== '' && (one.state === 'firing' || isRecent(one))),
    ({ client, subject }) => `${client}\0${subject}`,
  );
  return (alert) => {
    const { rule } = watchOf(alert);
    if (rule === null || foreseenBy(rule) === null) return [];
    return (fired.get(`${alert.client}\0${alert.subject}`) ?? []).filter((one) => {
      const other = watchOf(one).rule;
      const isOver = one.resolvedAtMs !== null && one.resolvedAtMs <= alert.progress.lastAtMs;
      return other !== null && isNearlyFull(other, rule) && !isOver;
    });
  };
}

/** True if rows decide on an alert: not on a forecast, nor on what config.xml does not name any more. */
function hasRows(rule: Watch['rule']): boolean {
  return rule !== null && foreseenBy(rule) === null;
}

/** True if the client's own rows confirm the alert after the end of a silence or window. */
function isConfirmed(alert: Alert, endMs: number, newestRowMs: number | null, graceMs: number): boolean {
  // Alerts that do not follow from rows are confirmed by each pass.
  if (!isOfRows(alert) || alert.closedReason === 'unwatched') return true;
  const { state, progress, flapping, resolvedAtMs } = alert;
  if (state === 'resolved') return (resolvedAtMs ?? 0) > endMs || (newestRowMs ?? 0) > endMs;
  // A row that shows a recovery confirms nothing: the next row decides, unless such rows continue.
  const isOverdue = progress.lastAtMs - endMs > graceMs;
  return progress.lastAtMs > endMs && (flapping || isOverdue || !isReturning(alert));
}

/** True if a client is unreachable, or back with no row processed yet. An overdue row ends this: it may never come. */
function isAway(lost: Alert, newestRowMs: number | null, dueMs: number): boolean {
  const { state, flapping, closedReason, resolvedAtMs, progress } = lost;
  if (state === 'firing' && !isReturning(lost)) return true;
  // An alert goes on firing until a second visit succeeds, and while it flaps.
  if (flapping) return false;
  const backAtMs = state === 'firing' ? progress.lastAtMs : closedReason === 'recovered' ? resolvedAtMs : null;
  return backAtMs !== null && backAtMs >= dueMs && (newestRowMs ?? 0) < backAtMs;
}

/** True if an acknowledgement holds back reminders: until its time, the end of the alert, or a worse severity. */
export function isAcknowledged(alert: Alert, nowMs: number): boolean {
  const { acknowledgedBy, acknowledgedUntilMs, acknowledgedSeverity, severity } = alert;
  if (acknowledgedBy === null || (acknowledgedUntilMs !== null && acknowledgedUntilMs <= nowMs)) return false;
  return !(acknowledgedSeverity === 'warning' && severity === 'critical');
}

/** Returns the acknowledgement of an alert as a reason. */
export function acknowledgement({ acknowledgedBy, acknowledgedUntilMs }: Alert): HoldReason {
  return { kind: 'acknowledged', by: acknowledgedBy ?? '', untilMs: acknowledgedUntilMs };
}

/**
 * Returns the lost parents that the recipient of alerts of clients that are away learnt of by them, with the worst
 * notified severity. A mail about two clients that need a lost parent names the parent. A further client that needs it
 * is not notified, unless its alert is worse.
 */
export function knownLostParents(
  { lostFor }: LostParents,
  alerts: readonly { readonly alert: Alert; readonly known: Known }[],
): ReadonlyMap<string, Severity> {
  const mails = groupBy(
    alerts.flatMap(({ alert, known }) => {
      const [lost] = lostFor(alert.client);
      if (lost === undefined || lost.sinceMs === null) return [];
      if (known?.state !== 'firing' || known.notifiedAtMs < lost.sinceMs) return [];
      return [{ name: lost.name, notifiedAtMs: known.notifiedAtMs, severity: known.severity }];
    }),
    ({ name, notifiedAtMs, severity }) => `${notifiedAtMs} ${severity} ${name}`,
  );
  const named = [...mails.values()].flatMap(([first, second]) => (first && second ? [first] : []));
  const warningsFirst = named.sort((one, other) => compareSeverity(other.severity, one.severity));
  return new Map(warningsFirst.map(({ name, severity }) => [name, severity]));
}
