import { parentsOf } from '../../config/clients/parents.ts';
import type { Rule, Severity, WebhookFormat } from '../../config/config.ts';
import { webhookOfRecipient } from '../../config/values/recipient-name.ts';
import type { Alert, Transition } from '../../storage/store/alert.ts';
import { differenceOf, isReturning } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { acknowledgement, type Inhibition, isAcknowledged, knownLostParents } from '../inhibit/inhibition.ts';
import { type LostParent, type LostParents, saysAway } from '../inhibit/lost-parents.ts';
import { hears, outsideHours } from '../inhibit/recipients-of.ts';
import { earlyMs } from './group-interval.ts';
import { longestGapMs } from '../transition/progress.ts';
import { rhythmMs, rivalry } from '../evaluate/rule-metric.ts';
import { compareText } from '../../text/compare-text.ts';
import { groupBy } from '../../platform/group-by.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import { isUnknownCritical, pendingNotification, type PendingNotification } from './notification-plan.ts';
import { isNewlyLapsed, type RecipientAlert } from './recipient-alerts.ts';
import { hourMs } from '../../platform/units.ts';

/** The notifications of one recipient that are due, and those that are held back. */
export interface RecipientNews {
  /** Notifications that may go out now, including those that are only listed. */
  readonly news: readonly PendingNotification[];
  /** Reminders of everything that is open, known and not held back. */
  readonly reminders: readonly PendingNotification[];
  readonly remindersDue: boolean;
  readonly held: readonly { readonly alertId: number; readonly reasons: readonly HoldReason[] }[];
  /** Alerts that ended without a notification and are not listed: too old, of a paused client, beside a worse alert. */
  readonly forgone: ReadonlySet<number>;
}

/** The time that a notification that is only listed waits for a mail that is sent anyway. */
const listingMs = 12 * hourMs;

export interface FindNewsOptions {
  readonly input: DispatchInput;
  readonly alerts: readonly RecipientAlert[];
  readonly recipient: string;
  readonly inhibition: Pick<Inhibition, 'reasonsFor' | 'insteadFor' | 'waitsFor' | 'wentByUntilMs'>;
  readonly parents: LostParents;
}

/** The decision about one alert. An alert without a decision is no news to its recipient. */
type Decision =
  | { readonly kind: 'news'; readonly item: PendingNotification }
  | { readonly kind: 'reminder'; readonly item: PendingNotification; readonly isDue: boolean }
  | { readonly kind: 'held'; readonly alertId: number; readonly reasons: readonly HoldReason[] }
  | { readonly kind: 'forgone'; readonly alertId: number };

/** Compares the alerts of one recipient with the recipient's last notifications. */
export function findNews(options: FindNewsOptions): RecipientNews {
  const { alerts, inhibition, input } = options;
  const insteadOf = toldParents(options);
  const heldFor = (one: RecipientAlert): readonly HoldReason[] => ownReasons(options, one);
  const milder = openMilder(alerts, (one) => inhibition.reasonsFor(one.alert).length + heldFor(one).length > 0);
  const reasonsOf: Judging['reasonsOf'] = (one, transition) => {
    const behind = transition === 'firing' && isAway(one) ? insteadOf(one.alert) : null;
    const own = [behind, ...heldFor(one), milder.worseOf(one)].filter((reason) => reason !== null);
    return [...inhibition.reasonsFor(one.alert), ...own];
  };
  const judging: Judging = { ...options, reasonsOf, wasBesideWorse: milder.wasBesideWorse, format: formatOf(options) };
  const decisions = alerts.flatMap((one) => {
    const transition = differenceOf(one.alert, one.known, one.listener);
    return transition === null ? judgeUnchanged(judging, one) : judgeChange(judging, one, transition);
  });
  const of = <K extends Decision['kind']>(kind: K): readonly Extract<Decision, { kind: K }>[] =>
    decisions.filter((one): one is Extract<Decision, { kind: K }> => one.kind === kind);
  const news = of('news').map(({ item }) => item);
  const reminders = of('reminder');
  const isFree = (one: RecipientAlert): boolean =>
    reasonsOf(one, null).length === 0 && returning(one, 'reminder', input).length === 0;
  const left = leftBehind(options, news, isFree);
  const isLeft = new Set(left.map(({ alertId }) => alertId));
  return {
    news: [...news, ...left],
    reminders: reminders.flatMap(({ item }) => (isLeft.has(item.alertId) ? [] : [item])),
    remindersDue: reminders.some(({ isDue }) => isDue),
    held: of('held').map(({ alertId, reasons }) => ({ alertId, reasons })),
    forgone: new Set(of('forgone').map(({ alertId }) => alertId)),
  };
}

interface Judging extends FindNewsOptions {
  /** Returns what holds an alert back, besides its own recovery. */
  readonly reasonsOf: (one: RecipientAlert, transition: Transition | null) => readonly HoldReason[];
  readonly wasBesideWorse: (one: RecipientAlert) => boolean;
  readonly format: WebhookFormat | null;
}

/** Decides about an alert whose state its recipient knows: an acknowledgement began or ended, or a reminder is due. */
function judgeUnchanged(judging: Judging, one: RecipientAlert): readonly Decision[] {
  const { input, recipient, format, reasonsOf } = judging;
  const { alert, known } = one;
  const { id: alertId } = alert;
  const { nowMs, collectorHosts: hosts } = input;
  if (format === 'pagerduty' && isNewlyAcknowledged(one, nowMs)) {
    return [{ kind: 'news', item: pendingNotification(one, { transition: 'acknowledged', hosts }) }];
  }
  const item = pendingNotification(one, { transition: 'reminder', hosts });
  const isLapse = isNewlyLapsed(one, recipient, nowMs);
  const isFlapping = known?.state === 'flapping' || known?.state === 'unsteady';
  const isOtherwise = !isLapse && isFlapping && alert.flapping && known.severity !== alert.severity;
  const otherwise: readonly Decision[] = isOtherwise
    ? [{ kind: 'held', alertId, reasons: [{ kind: 'flapping' }] }]
    : [];
  const isDue = isLapse || isReminderDue(one, input);
  if (isDue === null) return otherwise;
  const holding = isAcknowledged(alert, nowMs) ? [acknowledgement(alert)] : reasonsOf(one, null);
  const reasons = holding.length > 0 ? holding : returning(one, 'reminder', input);
  if (reasons.length > 0) return isDue ? [...otherwise, { kind: 'held', alertId, reasons }] : otherwise;
  if (isLapse) return [{ kind: 'news', item: { ...item, lapsed: true } }];
  return [...otherwise, { kind: 'reminder', item, isDue }];
}

/** Decides about an alert whose state its recipient does not know. */
function judgeChange(judging: Judging, one: RecipientAlert, transition: Transition): readonly Decision[] {
  const { input, inhibition, recipient, format, reasonsOf, wasBesideWorse } = judging;
  const { alert, watch } = one;
  const { id: alertId } = alert;
  const wentByMs = transition === 'past' ? inhibition.wentByUntilMs(alert, recipient) : null;
  const isPaused = transition === 'past' && watch.client?.state === 'paused';
  const isMilder = transition === 'past' && wasBesideWorse(one);
  const isTooOld = wentByMs !== null && input.nowMs - wentByMs >= listingMs;
  if (isPaused || isMilder || isTooOld) return [{ kind: 'forgone', alertId }];
  const holding = reasonsOf(one, transition);
  const reasons = holding.length > 0 ? holding : returning(one, transition, input, format);
  if (reasons.length > 0) return [{ kind: 'held', alertId, reasons }];
  const hosts = input.collectorHosts;
  return [{ kind: 'news', item: pendingNotification(one, { transition, listedOnly: wentByMs !== null, hosts }) }];
}

/**
 * Returns the alerts of clients that are still away although what they need is back: a mail about its recovery alone
 * would say that all is well.
 */
function leftBehind(
  { alerts, input, parents }: FindNewsOptions,
  news: readonly PendingNotification[],
  isFree: (one: RecipientAlert) => boolean,
): readonly PendingNotification[] {
  const back = news.filter(
    ({ transition, alert, watch }) => transition === 'resolved' && saysAway(alert, watch.client),
  );
  if (back.length === 0) return [];
  const { of } = parentsOf(input.config);
  const isBack = new Set(back.map(({ client }) => client));
  const isNews = new Set(news.map(({ alertId }) => alertId));
  return alerts.flatMap((one) => {
    const { alert, watch, listener, known } = one;
    if (alert.state !== 'firing' || !saysAway(alert, watch.client) || isNews.has(alert.id)) return [];
    const isKnown = known?.state === 'firing' && listener !== null && hears(listener, alert.severity);
    if (!isKnown || isAcknowledged(alert, input.nowMs) || !isFree(one)) return [];
    const [parent] = of(alert.client).filter(({ names }) => names.some((name) => isBack.has(name)));
    if (parent === undefined || parents.lostFor(alert.client).some(({ name }) => name === parent.name)) return [];
    const hosts = input.collectorHosts;
    return [{ ...pendingNotification(one, { transition: 'reminder', hosts }), leftBy: parent.name }];
  });
}

/** Returns the reasons of the recipient's own that hold an alert back. */
function ownReasons({ inhibition, recipient, input }: FindNewsOptions, one: RecipientAlert): readonly HoldReason[] {
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
 * flapping alert is notified as such, but there is no reminder of it meanwhile.
 */
function returning(
  { alert, watch }: RecipientAlert,
  transition: Transition,
  { nowMs, config }: DispatchInput,
  format: WebhookFormat | null = null,
): readonly HoldReason[] {
  const { flapping, progress } = alert;
  const opensIncident = transition === 'flapping' && format !== null && incidentForms.includes(format);
  if (opensIncident && isReturning(alert)) return [{ kind: 'returning' }];
  const isFresh = Math.abs(nowMs - progress.lastAtMs) <= longestGapMs(rhythmMs(watch.rule, config));
  if (!badNow.includes(transition) || !isReturning(alert) || !isFresh) return [];
  const isDecided = flapping ? transition !== 'reminder' : (progress.returns ?? 0) >= maxReturns;
  return isDecided ? [] : [{ kind: 'returning' }];
}

/** The forms of webhooks whose receivers open an incident for whatever is not resolved: a good value must not. */
const incidentForms: readonly WebhookFormat[] = ['pagerduty', 'alertmanager', 'juggler'];

/** Returns the form of a webhook; null for other recipients. PagerDuty alone hears of acknowledgements. */
function formatOf({ input: { config }, recipient }: FindNewsOptions): WebhookFormat | null {
  const name = webhookOfRecipient(recipient);
  return config.webhooks.find((webhook) => webhook.name === name)?.format ?? null;
}

/** True if an alert was acknowledged after its recipient was notified of it last. */
function isNewlyAcknowledged({ alert, listener, known }: RecipientAlert, nowMs: number): boolean {
  if (listener === null || known === null || alert.state !== 'firing' || !isAcknowledged(alert, nowMs)) return false;
  return (alert.acknowledgedAtMs ?? 0) > known.notifiedAtMs;
}

/** Returns true if a reminder is due; null if there is nothing to remind of. */
function isReminderDue(
  { alert, watch, listener, known }: RecipientAlert,
  { nowMs, config }: DispatchInput,
): boolean | null {
  const repeatMs = watch.rule?.repeatMs ?? null;
  if (alert.state !== 'firing' || known === null || repeatMs === null) return null;
  if (listener === null || listener.afterMs !== undefined || !hears(listener, alert.severity)) return null;
  const sinceMs = nowMs - known.notifiedAtMs;
  // A time further ahead than any pause comes from a wrong clock.
  return sinceMs >= repeatMs - earlyMs(config.collector.everyMs, repeatMs) || -sinceMs > repeatMs;
}

function isAway({ alert, watch }: RecipientAlert): boolean {
  return saysAway(alert, watch.client);
}

/**
 * Returns a function that finds the lost parent that the recipient was notified of in place of an alert, at least as
 * severely: by its own alert, by those of other clients, or by a parent of its own that stands for it.
 */
function toldParents({ alerts, parents }: FindNewsOptions): (alert: Alert) => HoldReason | null {
  const away = alerts.filter((one) => one.alert.state === 'firing' && isAway(one));
  const named = knownLostParents(parents, away);
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

/**
 * Compares alerts of several rules of one type on one subject for one recipient: the worst holds the milder ones back.
 * `isHeld` is true if an alert is held back for another reason.
 */
function openMilder(alerts: readonly RecipientAlert[], isHeld: (one: RecipientAlert) => boolean) {
  const rivals = groupBy(alerts.filter(isRival), keyOf);
  const worse = (one: RecipientAlert): readonly RecipientAlert[] => {
    const others = isRival(one) ? (rivals.get(keyOf(one)) ?? []) : [];
    return others.filter((other) => other.alert.rule !== one.alert.rule && compareBadness(other, one) < 0);
  };
  return {
    /** Returns the worse alert that fires and that the recipient is notified of, or null. */
    worseOf: (one: RecipientAlert): HoldReason | null => {
      const known = worse(one).find((other) => other.alert.state === 'firing' && !isHeld(other));
      return known === undefined ? null : { kind: 'worse-rule', rule: known.alert.rule };
    },
    /** True if a worse alert fired at the same time as a closed one. */
    wasBesideWorse: (one: RecipientAlert): boolean => worse(one).some((other) => overlaps(other.alert, one.alert)),
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
