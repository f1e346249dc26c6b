import { parentsOf } from '../../config/clients/parents.ts';
import type { Rule, Severity, WebhookFormat } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { hourMs } from '../../platform/units.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert, Transition } from '../../storage/store/alert.ts';
import { compareText } from '../../text/compare-text.ts';
import { rhythmMs, rivalry, rowsToRecover } from '../evaluate/rule-metric.ts';
import { differenceOf, isReturning, type Known } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import { acknowledgement, isAcknowledged, isAcknowledgedBeyondHours, knownLostParents } from '../inhibit/inhibition.ts';
import { type LostParent, saysAway } from '../inhibit/lost-parents.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import { longestGapMs } from '../transition/progress.ts';
import type { Candidate, Planning, RunStep } from './draft.ts';
import { earlyMs } from './group-interval.ts';
import {
  groupAbove,
  heldOf,
  isUnknownCritical,
  pendingNotification,
  type PendingNotification,
} from './notification-plan.ts';
import { isNewlyLapsed, type RecipientAlert } from './recipient-alerts.ts';
import { toldAtMs } from './told-ahead.ts';
import { hears, outsideHours } from '../../config/recipients/listeners.ts';

/**
 * Finds a candidate for each alert whose state the recipient does not know, whose acknowledgement began or ran out, or
 * of which the recipient is reminded. A flapping alert was told as such: its severity is told once it is steady.
 */
export const compareKnown: RunStep = (planning, draft) => {
  const found = draft.alerts.map((one) => ({ one, candidate: candidateOf(planning, one) }));
  const unsteady = found.filter(
    ({ one, candidate }) => (candidate === null || candidate.because === 'time') && isSteadyLater(one),
  );
  return {
    ...draft,
    candidates: found.flatMap(({ candidate }) => candidate ?? []),
    held: [...draft.held, ...unsteady.map(({ one }) => heldOf(one.alert.id, planning.recipient, { kind: 'flapping' }))],
  };
};

function candidateOf({ input, recipient, format }: Planning, of: RecipientAlert): Candidate | null {
  const due = { of, isDue: true } as const;
  const transition = differenceOf(of.alert, of.known, of.listener);
  if (transition !== null) return { ...due, transition, because: 'change' };
  if (format === 'pagerduty' && isNewlyAcknowledged(of, input))
    return { ...due, transition: 'acknowledged', because: 'acknowledgement' };
  if (isNewlyLapsed(of, recipient, input)) return { ...due, transition: 'reminder', because: 'lapse' };
  const isDue = isReminderDue(of, input);
  return isDue === null ? null : { ...due, isDue, transition: 'reminder', because: 'time' };
}

/** True if an alert flaps, as its recipient was told, at another severity than the recipient knows. */
function isSteadyLater({ alert, known }: RecipientAlert): boolean {
  const isFlapping = known?.state === 'flapping' || known?.state === 'unsteady';
  return isFlapping && alert.flapping && known.severity !== alert.severity;
}

/** True if an alert was acknowledged after its recipient was notified of it last. */
function isNewlyAcknowledged({ alert, listener, known }: RecipientAlert, input: DispatchInput): boolean {
  if (listener === null || known === null || alert.state !== 'firing' || !isAcknowledged(alert, input.nowMs))
    return false;
  return (alert.acknowledgedAtMs ?? 0) > toldAtMs(known, input);
}

/** Returns true if a reminder is due; null if there is nothing to remind of. */
function isReminderDue({ alert, watch, listener, known }: RecipientAlert, input: DispatchInput): boolean | null {
  const repeatMs = watch.rule?.repeatMs ?? null;
  if (alert.state !== 'firing' || known === null || repeatMs === null) return null;
  if (listener === null || listener.afterMs !== undefined || !hears(listener, alert.severity)) return null;
  const sinceMs = input.nowMs - toldAtMs(known, input);
  const pauseMs = alert.flapping ? Math.max(repeatMs, flappingRepeatMs) : repeatMs;
  return sinceMs >= pauseMs - earlyMs(input.config.collector.everyMs, pauseMs);
}

/** The least time between reminders of an alert that flaps: a short `repeat` would report each way up. */
const flappingRepeatMs = 12 * hourMs;

/** The time that a notification that is only listed waits for a mail that is sent anyway. */
const listingMs = 12 * hourMs;

/**
 * Divides the candidates into news, reminders, and what is held back or forgone. An acknowledgement is never held back.
 */
export const holdBack: RunStep = (planning, draft) => {
  const holds = openHolds(planning, draft.alerts);
  const decided = carried(
    planning,
    draft.candidates.map((candidate) => decide(planning, holds, candidate)),
  );
  const free = decided.flatMap(({ item, candidate }) => (item === null ? [] : [{ item, ...candidate }]));
  const reminders = free.filter(({ because }) => because === 'time');
  return {
    ...draft,
    news: free.filter(({ because }) => because !== 'time').map(({ item }) => item),
    reminders: reminders.map(({ item }) => item),
    remindersDue: reminders.some(({ isDue }) => isDue),
    held: [
      ...draft.held,
      ...decided.flatMap(({ reasons, candidate: { of, isDue } }) =>
        isDue ? reasons.map((reason) => heldOf(of.alert.id, planning.recipient, reason)) : [],
      ),
    ],
    forgone: new Set(decided.flatMap(({ isForgone, candidate: { of } }) => (isForgone ? of.alert.id : []))),
  };
};

interface Decision {
  readonly candidate: Candidate;
  /** The notification as it is if nothing holds it back. */
  readonly free: PendingNotification;
  /** null if the notification is held back or forgone. */
  readonly item: PendingNotification | null;
  readonly reasons: readonly HoldReason[];
  readonly isForgone: boolean;
}

function decide({ input, inhibition, recipient }: Planning, holds: Holds, candidate: Candidate): Decision {
  const { of, transition, because } = candidate;
  const wentByMs = transition === 'past' ? inhibition.wentByUntilMs(of.alert, recipient) : null;
  const isPaused = transition === 'past' && of.watch.client?.state === 'paused';
  const isMilder = transition === 'past' && holds.wasBesideWorse(of);
  const isTooOld = wentByMs !== null && input.nowMs - wentByMs >= listingMs;
  const isForgone = isPaused || isMilder || isTooOld;
  const reasons = isForgone || because === 'acknowledgement' ? [] : holds.reasonsOf(of, transition);
  const hosts = input.collectorHosts;
  const item = pendingNotification(of, { transition, listedOnly: wentByMs !== null, hosts });
  const told = because === 'lapse' ? { ...item, lapsed: true as const } : item;
  return { candidate, free: told, item: isForgone || reasons.length > 0 ? null : told, reasons, isForgone };
}

/** Reasons that hold back an alert because another one is told, which the alert of a group names. */
const standsAbove: readonly HoldReason['kind'][] = ['group-short', 'parent', 'bastion'];

/**
 * Puts the news of members of a group below the alert of the group, if that is told now, at no milder severity. So its
 * begin and its end carry what the recipient does not know of the members.
 */
function carried({ easing }: Planning, decided: readonly Decision[]): readonly Decision[] {
  if (easing === null) return decided;
  // A reminder of the group may not be due, and tells of nothing new.
  const news = decided.flatMap(({ item, candidate }) => (item === null || candidate.because === 'time' ? [] : item));
  const told = groupBy(
    news.filter((item) => kindOf(item).carriesOthers),
    ({ subject }) => subject,
  );
  if (told.size === 0) return decided;
  return decided.map((one) => {
    const { candidate, free, reasons, isForgone } = one;
    const group = easing.groups.groupOf(free.alert)?.need.name;
    const above = group === undefined ? undefined : groupAbove(told.get(group) ?? [], free);
    // The end of a group's alert tells nothing of a member that fires, or got worse, without the recipient's knowledge.
    const isOwn = above?.alert.state === 'resolved' && ['firing', 'escalated'].includes(free.transition);
    if (above === undefined || isOwn || isForgone || free.listedOnly || candidate.because === 'time') return one;
    const isHeldByOthers = reasons.some(({ kind }) => !standsAbove.includes(kind));
    if (isHeldByOthers || compareSeverity(above.severity, free.severity) > 0) return one;
    return { ...one, item: { ...free, below: above.subject }, reasons: [] };
  });
}

interface Holds {
  /** Returns what holds a notification back. */
  readonly reasonsOf: (one: RecipientAlert, transition: Transition) => readonly HoldReason[];
  /** True if a worse alert of another rule fired at the same time as a closed one. */
  readonly wasBesideWorse: (one: RecipientAlert) => boolean;
}

/**
 * Opens what may hold back the notifications of one recipient, in this order: what holds for everybody (silences,
 * windows, pauses, runs that go on), a parent that the recipient was told of, the recipient's own reasons, a worse
 * rule; and if there is none of these, a recovery that has begun. An acknowledged alert has no reminders.
 */
function openHolds(planning: Planning, alerts: readonly RecipientAlert[]): Holds {
  const { inhibition, input } = planning;
  const toldParent = openToldParents(planning, alerts);
  const isFree = (one: RecipientAlert): boolean =>
    inhibition.reasonsFor(one.alert).length + ownReasons(planning, one).length === 0;
  const worseRules = openWorseRules(alerts, {
    tells: (one, severity) => {
      const { alert, known } = one;
      const isKnown = known !== null && known.state !== 'resolved' && compareSeverity(known.severity, severity) <= 0;
      return isFree(one) && (isKnown || returning(planning, one, alert.flapping ? 'flapping' : 'firing').length === 0);
    },
    told: (one, severity) => {
      const { alert, known, listener } = one;
      if (known !== null && compareSeverity(known.severity, severity) <= 0) return true;
      if (alert.state === 'firing') return isFree(one);
      const isPast = differenceOf(alert, null, listener) === 'past' && alert.closedReason !== 'unwatched';
      return isPast && inhibition.wentByUntilMs(alert, planning.recipient) === null;
    },
  });
  const standing = (one: RecipientAlert, transition: Transition): readonly HoldReason[] => {
    const { alert, watch } = one;
    if (isStopped(one, transition, input.nowMs)) return [acknowledgement(alert)];
    const isNewlyAway = transition === 'firing' && saysAway(alert, watch.client);
    const own = [isNewlyAway ? toldParent(alert) : null, ...ownReasons(planning, one), worseRules.worseOf(one)];
    return [...inhibition.reasonsFor(alert), ...own.filter((reason) => reason !== null)];
  };
  return {
    reasonsOf: (one, transition) => {
      const reasons = standing(one, transition);
      // Below the alert of a group stands no member that has just answered.
      const isFree = reasons.every(({ kind }) => kind === 'group-short');
      return isFree ? [...reasons, ...returning(planning, one, transition)] : reasons;
    },
    wasBesideWorse: worseRules.wasBesideWorse,
  };
}

/**
 * True if an acknowledgement stops a notification: a reminder, the notice that a value flaps, or the first notification
 * of an alert that was acknowledged outside of the recipient's hours.
 */
function isStopped({ alert, known, listener }: RecipientAlert, transition: Transition, nowMs: number): boolean {
  if (!isAcknowledged(alert, nowMs)) return false;
  const isFirst = known === null || known.state === 'resolved';
  if (transition === 'reminder' || (transition === 'flapping' && !isFirst)) return true;
  return isFirst && listener !== null && isAcknowledgedBeyondHours(alert, listener, nowMs);
}

/** Returns the reasons of the recipient's own that hold an alert back: another alert instead, hours, `after`. */
function ownReasons({ inhibition, recipient, input }: Planning, one: RecipientAlert): readonly HoldReason[] {
  const { alert, listener } = one;
  return [
    inhibition.insteadFor(alert, recipient),
    listener === null ? null : outsideHours(listener, alert.severity, input.nowMs),
    listener === null || !isUnknownCritical(one) ? null : inhibition.waitsFor(alert, listener),
  ].filter((reason) => reason !== null);
}

/** An alert is notified whatever its newest row says if its value rose this many times again during its recovery. */
const maxReturns = 2;

/** Transitions that say that a value is bad now. */
const badNow: readonly Transition[] = ['firing', 'escalated', 'eased', 'steady', 'reminder'];

/**
 * Holds back a notification of a value as bad while its newest row shows a recovery, until the next row is overdue. A
 * flapping alert is notified as such, but there is no reminder of it meanwhile, and no first notification once its
 * recovery is complete: it went by during a silence, or while no alerter ran.
 */
function returning(
  { input: { nowMs, config }, format }: Planning,
  { alert, watch, known }: RecipientAlert,
  transition: Transition,
): readonly HoldReason[] {
  const { flapping, progress } = alert;
  const isUnknown = known === null || known.state === 'resolved';
  const isOver = isUnknown && watch.rule !== null && progress.clearing >= rowsToRecover(watch.rule);
  const isFresh = Math.abs(nowMs - progress.lastAtMs) <= longestGapMs(rhythmMs(watch.rule, config));
  const opensIncident = transition === 'flapping' && format !== null && incidentForms.includes(format);
  if ((opensIncident || (transition === 'flapping' && isOver && isFresh)) && isReturning(alert))
    return [{ kind: 'returning' }];
  if (!badNow.includes(transition) || !isReturning(alert) || !isFresh) return [];
  const isDecided = flapping ? transition !== 'reminder' : (progress.returns ?? 0) >= maxReturns;
  return isDecided ? [] : [{ kind: 'returning' }];
}

/** The forms of webhooks whose receivers open an incident for whatever is not resolved: a good value must not. */
const incidentForms: readonly WebhookFormat[] = ['pagerduty', 'alertmanager', 'juggler'];

/**
 * Adds the alerts of clients that are still away although what they need is back: a mail about its recovery alone
 * would say that all is well.
 */
export const addLeftBehind: RunStep = (planning, draft) => {
  const { input, parents } = planning;
  const { alerts, news } = draft;
  const back = news.filter(
    ({ transition, alert, watch }) => transition === 'resolved' && saysAway(alert, watch.client),
  );
  if (back.length === 0) return draft;
  const { of } = parentsOf(input.config);
  const { reasonsOf } = openHolds(planning, alerts);
  const isBack = new Set(back.map(({ client }) => client));
  const isNews = new Set(news.map(({ alertId }) => alertId));
  const left = alerts.flatMap((one) => {
    const { alert, watch, listener, known } = one;
    if (alert.state !== 'firing' || !saysAway(alert, watch.client) || isNews.has(alert.id)) return [];
    const isKnown = known?.state === 'firing' && listener !== null && hears(listener, alert.severity);
    if (!isKnown || reasonsOf(one, 'reminder').length > 0) return [];
    const [parent] = of(alert.client).filter(({ names }) => names.some((name) => isBack.has(name)));
    if (parent === undefined || parents.lostFor(alert.client).some(({ name }) => name === parent.name)) return [];
    const hosts = input.collectorHosts;
    return [{ ...pendingNotification(one, { transition: 'reminder', hosts }), leftBy: parent.name }];
  });
  const isLeft = new Set(left.map(({ alertId }) => alertId));
  return {
    ...draft,
    news: [...news, ...left],
    reminders: draft.reminders.filter(({ alertId }) => !isLeft.has(alertId)),
  };
};

/**
 * Returns a function that finds the lost parent that the recipient was notified of in place of an alert, at least as
 * severely: by its own alert, by those of other clients, or by a parent of its own that stands for it.
 */
function openToldParents(
  { parents, easing }: Pick<Planning, 'parents' | 'easing'>,
  alerts: readonly RecipientAlert[],
): (alert: Alert) => HoldReason | null {
  const away = alerts
    .filter(({ alert, watch }) => alert.state === 'firing' && saysAway(alert, watch.client))
    .map((one) => ({ ...one, known: knownAtMost(one) }));
  // The alert of a group names what all lost members stand on, not what some of them do.
  const apart = easing === null ? away : away.filter(({ alert }) => easing.shortFor(alert) === null);
  const named = knownLostParents(parents, apart);
  const known = new Map(away.map((one) => [one.alert.id, one.known]));
  const toldFor = (client: string, severity: Severity): LostParent | undefined => {
    const covers = (told: Severity | undefined): boolean => told !== undefined && compareSeverity(told, severity) <= 0;
    const isTold = (alert: Alert): boolean => {
      const before = known.get(alert.id ?? NaN);
      return (before?.state === 'firing' && covers(before.severity)) || toldFor(alert.client, severity) !== undefined;
    };
    return parents.lostFor(client).find(({ name, alerts: own }) => covers(named.get(name)) || own?.every(isTold));
  };
  return ({ client, severity }) => {
    const told = toldFor(client, severity);
    return told === undefined ? null : { kind: told.isBastion ? 'bastion' : 'parent', name: told.name };
  };
}

/** Returns what a recipient knows of an alert, as a warning if that is what the alert is told as from now on. */
function knownAtMost({ alert, known }: RecipientAlert): Known {
  return known === null || alert.severity === 'critical' ? known : { ...known, severity: 'warning' };
}

/** Says if a recipient learns of an alert at a severity or a worse one. */
interface Telling {
  /** True if the recipient was told of an alert that fires and nothing mutes, or will be now. */
  readonly tells: (one: RecipientAlert, severity: Severity) => boolean;
  /** True if the recipient was told of an alert once, or will be now. */
  readonly told: (one: RecipientAlert, severity: Severity) => boolean;
}

/**
 * Compares alerts of several rules of one type on one subject for one recipient: the worst that the recipient is told
 * of holds the milder ones back.
 */
function openWorseRules(alerts: readonly RecipientAlert[], { tells, told }: Telling) {
  const rivals = groupBy(alerts.filter(isRival), keyOf);
  const worse = (one: RecipientAlert): readonly RecipientAlert[] => {
    const others = isRival(one) ? (rivals.get(keyOf(one)) ?? []) : [];
    return others.filter((other) => other.alert.rule !== one.alert.rule && compareBadness(other, one) < 0);
  };
  return {
    /** Returns the worse alert that fires and that the recipient is notified of, or null. */
    worseOf: (one: RecipientAlert): HoldReason | null => {
      const known = worse(one).find((other) => other.alert.state === 'firing' && tells(other, one.alert.severity));
      return known === undefined ? null : { kind: 'worse-rule', rule: known.alert.rule };
    },
    /** True if a worse alert, of which the recipient learns, fired at the same time as a closed one. */
    wasBesideWorse: (one: RecipientAlert): boolean =>
      worse(one).some((other) => overlaps(other.alert, one.alert) && told(other, one.alert.severity)),
  };
}

function isRival({ watch: { rule }, listener, alert }: RecipientAlert): boolean {
  return rule?.origin === 'file' && !rule.also && listener !== null && hears(listener, alert.severity);
}

function keyOf({ watch: { rule }, alert: { client, subject } }: RecipientAlert): string {
  return `${client}\0${subject}\0${rule === null ? '' : rivalry(rule)}`;
}

/** Orders the worse alert first: by severity, then by the limit that is further out. */
function compareBadness(one: RecipientAlert, other: RecipientAlert): number {
  return (
    compareSeverity(one.alert.severity, other.alert.severity) ||
    limitOf(other) - limitOf(one) ||
    compareText(one.alert.rule, other.alert.rule)
  );
}

function limitOf({ watch: { rule }, alert: { severity } }: RecipientAlert): number {
  const { warning = null, critical = null, op } = rule ?? ({} as Partial<Rule>);
  const limit = (severity === 'critical' ? (critical ?? warning) : (warning ?? critical)) ?? 0;
  return op === 'lt' || op === 'le' ? -limit : limit;
}

function overlaps(one: Alert, other: Alert): boolean {
  const endMs = ({ resolvedAtMs }: Alert): number => resolvedAtMs ?? Infinity;
  const beginMs = ({ firingSinceMs }: Alert): number => firingSinceMs ?? Infinity;
  return beginMs(one) <= endMs(other) && beginMs(other) <= endMs(one);
}
