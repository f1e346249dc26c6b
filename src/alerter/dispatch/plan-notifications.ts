import type { RecipientHistory } from '../../storage/store/outbox-store.ts';
import type { LastNotified } from '../../storage/store/alert.ts';
import { remembered } from '../../platform/remembered.ts';
import { compareText } from '../../text/compare-text.ts';
import { differenceOf, knownAfter } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import { type Inhibition, openInhibition } from '../inhibit/inhibition.ts';
import { openLostParents } from '../inhibit/lost-parents.ts';
import { openMutes } from '../inhibit/mutes.ts';
import { createWatches, hears } from '../inhibit/recipients-of.ts';
import { sectionsOf } from './group.ts';
import { isUrgent, isUrgentNow, postponement } from './group-interval.ts';
import { compareNotifications, pendingNotification } from './notification-plan.ts';
import type { DueMail, Held, NotificationPlan, PendingNotification } from './notification-plan.ts';
import { alertsByRecipient, watchedAlerts, type RecipientAlert, type WatchedAlert } from './recipient-alerts.ts';
import { findNews, type FindNewsOptions } from './recipient-news.ts';
import { contentsOf, isAnyStopped, type MailContents } from './replace.ts';

/**
 * Returns the mails that are due now, and the reasons why other notifications are held back. A notification is the
 * difference between a recipient's last notification and the state of the alert (specification, section 5). The same
 * input gives the same plan, order included. Omits alerts that are not stored yet (id null).
 *
 * An alert that began and ended while a silence or window held it back is only listed, in the recipient's next mail
 * that is sent anyway, for twelve hours. After that only `alerts` and `explain` show the alert.
 */
export function planNotifications(input: DispatchInput): NotificationPlan {
  const { config } = input;
  const watchOf = createWatches(config);
  const mutes = openMutes({ config, silences: [...input.silences, ...input.endedSilences] });
  const inhibition = openInhibition({ input, mutes, watchOf });
  const parents = openLostParents(config, input.alerts);
  const watched = watchedAlerts(input, watchOf);
  // The plans of several recipients ask for the reasons of the same alert.
  const reasonsFor = remembered(inhibition.reasonsFor);
  const pass: Pass = { input, inhibition: { ...inhibition, reasonsFor }, parents };
  const outcomes = [...alertsByRecipient(input, watched)]
    .sort(([one], [other]) => compareText(one, other))
    .map(([recipient, alerts]) => planOrFault(pass, recipient, alerts));
  return {
    mails: outcomes.flatMap(({ mail }) => mail ?? []).sort(compareMails),
    withdrawn: outcomes.flatMap(({ withdrawn }) => withdrawn),
    notified: outcomes.flatMap(({ notified }) => notified),
    unnotified: outcomes.flatMap(({ unnotified }) => unnotified),
    closedOut: closedOutOf(pass, watched, outcomes),
    held: [...heldByNobody(watched, input), ...distinct(outcomes.flatMap((outcome) => outcome.held))],
    faults: outcomes.flatMap(({ fault }) => fault ?? []),
  };
}

type Pass = Omit<FindNewsOptions, 'recipient' | 'alerts'> & { readonly inhibition: Inhibition };

interface Outcome {
  readonly mail: DueMail | null;
  readonly withdrawn: NotificationPlan['withdrawn'];
  readonly notified: readonly LastNotified[];
  readonly unnotified: NotificationPlan['unnotified'];
  readonly held: readonly Held[];
  /** Closed alerts that the recipient still has to be notified of. */
  readonly owed: readonly number[];
  /** Default: the plan was made. */
  readonly fault?: NotificationPlan['faults'][number];
}

/** Plans for one recipient. A fault costs this recipient's plan, and closes out none of the recipient's alerts. */
function planOrFault(pass: Pass, recipient: string, alerts: readonly RecipientAlert[]): Outcome {
  try {
    return planForRecipient(pass, recipient, alerts);
  } catch (thrown) {
    const owed = alerts.map(({ alert }) => alert.id);
    const fault = { recipient, thrown };
    return { mail: null, withdrawn: [], notified: [], unnotified: [], held: [], owed, fault };
  }
}

function planForRecipient(pass: Pass, recipient: string, alerts: readonly RecipientAlert[]): Outcome {
  const { config, nowMs, histories } = pass.input;
  const options = { ...pass, recipient, alerts };
  const found = findNews(options);
  const held = found.held.flatMap(({ alertId, reasons }) =>
    reasons.map((reason) => heldOf(alertId, recipient, reason)),
  );
  const owedAfter = (items: readonly PendingNotification[], before = alerts): readonly number[] => {
    const sent = new Map(items.map((item) => [item.alertId, item]));
    const owed = before.filter(({ alert, known, listener }) => {
      const item = sent.get(alert.id);
      const knows = item === undefined ? known : knownAfter(item, nowMs);
      return (
        alert.state === 'resolved' && !found.forgone.has(alert.id) && differenceOf(alert, knows, listener) !== null
      );
    });
    return owed.map(({ alert }) => alert.id);
  };
  const nothing = { mail: null, withdrawn: [], notified: [], unnotified: [], held, owed: owedAfter([]) };
  const ringing = found.news.filter(({ listedOnly }) => !listedOnly);
  const isStopped = isAnyStopped(options);
  if (ringing.length === 0 && !found.remindersDue && !isStopped) return nothing;
  const contents = contentsOf(options, isStopped);
  const included = new Set(contents.items.map(({ alertId }) => alertId));
  const behind = found.news.flatMap(({ alertId }) => {
    const mail = included.has(alertId) ? undefined : contents.kept.get(alertId);
    return mail === undefined ? [] : [heldOf(alertId, recipient, { kind: 'older-mail', mailId: mail.id })];
  });
  if (contents.items.length + contents.replaces.length === 0) return { ...nothing, held: [...held, ...behind] };
  const history = histories.find((one) => one.recipient === recipient) ?? null;
  const postponed = postponement({
    news: ringing,
    history,
    replacedAtMs: contents.replaces.map(({ createdAtMs }) => createdAtMs),
    nowMs,
    config,
  });
  if (postponed !== null && !isStopped) {
    const all = [...ringing, ...(found.remindersDue ? found.reminders : [])];
    const late = all.map((one) => heldOf(one.alertId, recipient, ownPostponement(one, postponed)));
    return { ...nothing, held: [...held, ...late] };
  }
  const mail = contents.items.length === 0 || postponed !== null ? null : mailOf(options, contents, history);
  const items = mail?.items ?? [];
  return {
    mail,
    withdrawn: mail === null ? contents.replaces.map(({ id }) => id) : [],
    ...knowledgeAfter(options, items, contents),
    held: [...held, ...behind],
    owed: owedAfter(items, contents.alerts),
  };
}

/** Returns what the recipient knows after a mail with these items, and as before the mails that it replaces. */
function knowledgeAfter(
  { recipient, input: { nowMs } }: FindNewsOptions,
  items: readonly PendingNotification[],
  { before }: MailContents,
): Pick<Outcome, 'notified' | 'unnotified'> {
  const notified = items.map((item) => ({ alertId: item.alertId, recipient, ...knownAfter(item, nowMs) }));
  const included = new Set(items.map(({ alertId }) => alertId));
  const restored = [...before].filter(([alertId]) => !included.has(alertId));
  return {
    notified: [
      ...notified,
      ...restored.flatMap(([alertId, known]) => (known === null ? [] : { alertId, recipient, ...known })),
    ],
    unnotified: restored.flatMap(([alertId, known]) => (known === null ? { alertId, recipient } : [])),
  };
}

/** Returns why a notification waits with its mail: an urgent one waits once its client has used up its urgent mails. */
function ownPostponement(one: PendingNotification, reason: HoldReason): HoldReason {
  return reason.kind === 'group-interval' && isUrgent(one) ? { ...reason, kind: 'urgent-mails' } : reason;
}

const ownReasons: readonly HoldReason['kind'][] = [
  'unreachable',
  'bastion',
  'parent',
  'isolated',
  'collector-silent',
  'worse-rule',
  'nearly-full',
  'after',
  'hours',
  'flapping',
  'group-interval',
  'urgent-mails',
  'cap',
  'older-mail',
];

function heldOf(alertId: number, recipient: string, reason: HoldReason): Held {
  return { alertId, recipient: ownReasons.includes(reason.kind) ? recipient : null, reason };
}

function mailOf(
  { input, parents, recipient }: FindNewsOptions,
  { items: unsorted, replaces, alerts }: MailContents,
  history: RecipientHistory | null,
): DueMail {
  const { config, exportOf, firstPass = false, newRules } = input;
  const items = [...unsorted].sort(compareNotifications);
  const begun = items.filter(({ transition }) => transition === 'firing');
  const grouped = {
    config,
    parents,
    exportOf: (client: string, mount: string): string | null => exportOf?.get(`${client}\0${mount}`) ?? null,
  };
  const open = openItems(alerts, items, input);
  return {
    recipient,
    severity: items.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    ordinary: !items.some((one) => isUrgentNow(one, history)),
    alreadyTrue: begun.length > 0 && begun.every(({ rule }) => firstPass || newRules?.has(rule) === true),
    items,
    sections: sectionsOf({ ...grouped, items }),
    open,
    openFolds: sectionsOf({ ...grouped, items: open })
      .flatMap(({ rules }) => rules.flatMap(({ lines }) => lines))
      .filter(({ fold }) => fold !== null),
    replaces: replaces.map(({ id }) => id).sort((one, other) => one - other),
  };
}

/** Returns the firing alerts that the recipient knows, or is notified of now. */
function openItems(
  alerts: readonly RecipientAlert[],
  items: readonly PendingNotification[],
  { collectorHosts: hosts }: DispatchInput,
): readonly PendingNotification[] {
  const learnt = new Set(items.map(({ alertId }) => alertId));
  return alerts
    .filter(({ alert, listener, known }) => {
      const isHeard = listener !== null && hears(listener, alert.severity);
      const isKnown = isHeard && known !== null && known.state !== 'resolved';
      return alert.state === 'firing' && (learnt.has(alert.id) || isKnown);
    })
    .map((one) => pendingNotification(one, { transition: 'reminder', hosts }))
    .sort(compareNotifications);
}

function compareMails(one: DueMail, other: DueMail): number {
  const bySeverity = Number(one.severity !== 'critical') - Number(other.severity !== 'critical');
  return bySeverity || compareText(one.recipient, other.recipient);
}

/** Returns the firing alerts without a recipient; none if there is an Alertmanager, which receives all alerts. */
function heldByNobody(
  watched: readonly WatchedAlert[],
  { config, notified }: Pick<DispatchInput, 'config' | 'notified'>,
): readonly Held[] {
  if (config.alertmanager !== null) return [];
  const known = new Set(notified.map(({ alertId }) => alertId));
  return watched
    .filter(({ alert, watch }) => {
      const isHeard = [...watch.listeners.values()].some((listener) => hears(listener, alert.severity));
      return alert.state === 'firing' && !isHeard && !known.has(alert.id);
    })
    .map(({ alert }) => ({ alertId: alert.id, recipient: null, reason: { kind: 'nobody' } }));
}

function distinct(held: readonly Held[]): readonly Held[] {
  return [...new Map(held.map((one) => [JSON.stringify(one), one])).values()];
}

/**
 * Returns the closed alerts that no recipient has to be notified of any more, that are in no mail that may still be
 * replaced, and that stand for no other alert. Ascending.
 */
function closedOutOf(
  { input, inhibition }: Pass,
  watched: readonly WatchedAlert[],
  outcomes: readonly Outcome[],
): readonly number[] {
  const mails = [...input.waiting, ...outcomes.flatMap(({ mail }) => mail ?? [])];
  const inMail = mails.flatMap(({ items }) => items.map(({ alertId }) => alertId));
  const needed = new Set([...inMail, ...outcomes.flatMap(({ owed }) => owed)]);
  const closed = watched.flatMap(({ alert }) => (alert.state === 'resolved' ? alert : []));
  const open = watched.flatMap(({ alert }) => (alert.state === 'firing' ? alert : []));
  // An open alert may end as well without a notification of its own.
  const standing = [...closed.filter(({ id }) => needed.has(id)), ...open];
  const standIns = standing.flatMap((alert) => inhibition.standInFor(alert)?.id ?? []);
  const nearlyFull = open.flatMap((alert) => inhibition.nearlyFull(alert).flatMap(({ id }) => id ?? []));
  for (const id of [...standIns, ...nearlyFull]) needed.add(id);
  return closed.flatMap(({ id }) => (needed.has(id) ? [] : id)).sort((one, other) => one - other);
}
