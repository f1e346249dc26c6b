import type { Config, WebhookFormat } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import { kindOf } from '../../about/kinds.ts';
import type { LastNotified } from '../../storage/store/alert.ts';
import { compareText } from '../../text/compare-text.ts';
import { differenceOf, knownAfter } from '../inhibit/difference.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { StepName } from '../inhibit/hold-reason.ts';
import { easingOf } from '../inhibit/easing.ts';
import { openInhibition } from '../inhibit/inhibition.ts';
import { openLostParents } from '../inhibit/lost-parents.ts';
import { openMutes } from '../inhibit/mutes.ts';
import { emptyDraft, type Draft, type MailContents, type Planning, type RunStep } from './draft.ts';
import { sectionsOf } from './group.ts';
import { historyOf, isUrgentNow, postpone } from './group-interval.ts';
import { compareNotifications, groupAbove, pendingNotification } from './notification-plan.ts';
import type { DueMail, Held, NotificationPlan, PendingNotification } from './notification-plan.ts';
import { alertsByRecipient, watchedAlerts, type RecipientAlert, type WatchedAlert } from './recipient-alerts.ts';
import { easedAlerts, shortsBeside } from './ease-alerts.ts';
import { addLeftBehind, compareKnown, holdBack } from './recipient-news.ts';
import { replaceWaiting } from './replace.ts';
import { createWatches } from '../inhibit/watches.ts';
import { hearersOf, hears } from '../../config/recipients/listeners.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

/** A step of notifying one recipient. */
export interface Step {
  readonly name: StepName;
  /** Says in docs/alerts.md how the step decides. */
  readonly sentence: string;
  readonly run: RunStep;
}

const findingSteps: readonly Step[] = [
  {
    name: 'ease',
    sentence:
      'A critical alert of a client whose group has enough without it (`need`) is told as a warning. In tables and ' +
      'pages it stays critical.',
    run: ({ easing }, draft) => (easing === null ? draft : { ...draft, alerts: easedAlerts(easing, draft.alerts) }),
  },
  {
    name: 'compare',
    sentence:
      'What the recipient was told of each alert last is compared with the alert: it began, changed, ended, was ' +
      'acknowledged, or a reminder is due.',
    run: compareKnown,
  },
  {
    name: 'hold',
    sentence:
      'What a silence, a window, another alert, the hours of the recipient, `after` or a recovery holds back goes ' +
      'out later; what went by during a silence is only listed.',
    run: holdBack,
  },
  {
    name: 'left-behind',
    sentence: 'Clients that are still away although what they stand on is back go along with its recovery.',
    run: addLeftBehind,
  },
];

/**
 * The order of notifying one recipient. Each step takes the draft of the steps before it. `explain` gives the reasons
 * that hold back in this order; `holdReasons` says which step has which.
 */
export const notifyingSteps: readonly Step[] = [
  ...findingSteps,
  {
    name: 'replace',
    sentence:
      'Mails that no server has taken are replaced by one with the state of now. An alert in a mail that may have ' +
      'arrived waits for it.',
    run: replaceWaiting((planning, draft) => walk(findingSteps, planning, draft)),
  },
  {
    name: 'postpone',
    sentence: 'What is not urgent waits for `groupInterval`; no more mails than `maxMailsPerHour`.',
    run: postpone,
  },
  {
    name: 'make',
    sentence: 'The rest is one mail.',
    run: (planning, draft) => {
      const { contents } = draft;
      const isMail = contents !== null && contents.items.length > 0;
      return isMail ? { ...draft, mail: mailOf(planning, contents) } : draft;
    },
  },
];

/** Walks the steps from a draft on. */
function walk(steps: readonly Step[], planning: Planning, draft: Draft): Draft {
  return steps.reduce((before, { run }) => run(planning, before), draft);
}

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
  const easing = config.needs.length === 0 ? null : easingOf(input);
  const inhibition = openInhibition({ input, mutes, watchOf, easing });
  const parents = openLostParents(config, input.alerts);
  const watched = watchedAlerts(input, watchOf);
  // The plans of several recipients ask for the reasons of the same alert.
  const reasonsFor = remembered(inhibition.reasonsFor);
  const pass: Pass = { input, inhibition: { ...inhibition, reasonsFor }, parents, easing };
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

type Pass = Omit<Planning, 'recipient' | 'format'>;

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
  const planning: Planning = { ...pass, recipient, format: formatOf(pass.input.config, recipient) };
  const draft = walk(notifyingSteps, planning, { ...emptyDraft, alerts });
  const { mail, contents, held } = draft;
  const items = mail?.items ?? [];
  return {
    mail,
    withdrawn: mail === null ? (contents?.replaces ?? []).map(({ id }) => id) : [],
    ...knowledgeAfter(planning, items, contents?.before ?? new Map()),
    held,
    owed: owedAfter(planning, draft, items),
  };
}

/** Returns the form of a webhook; null for other recipients. PagerDuty alone hears of acknowledgements. */
function formatOf({ webhooks }: Config, recipient: string): WebhookFormat | null {
  const name = nameIfKind('webhook', recipient);
  return webhooks.find((webhook) => webhook.name === name)?.format ?? null;
}

/** Returns the closed alerts that the recipient still has to be notified of after a mail with these items. */
function owedAfter(
  { input: { nowMs } }: Planning,
  { alerts, contents, forgone }: Draft,
  items: readonly PendingNotification[],
): readonly number[] {
  const sent = new Map(items.map((item) => [item.alertId, item]));
  const owed = (contents?.alerts ?? alerts).filter(({ alert, known, listener }) => {
    const item = sent.get(alert.id);
    const knows = item === undefined ? known : knownAfter(item, nowMs);
    return alert.state === 'resolved' && !forgone.has(alert.id) && differenceOf(alert, knows, listener) !== null;
  });
  return owed.map(({ alert }) => alert.id);
}

/** Returns what the recipient knows after a mail with these items, and as before the mails that it replaces. */
function knowledgeAfter(
  { recipient, input: { nowMs } }: Planning,
  items: readonly PendingNotification[],
  before: MailContents['before'],
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

function mailOf(
  { input, parents, inhibition, recipient }: Planning,
  { items: unsorted, replaces, alerts }: MailContents,
): DueMail {
  const { config, exportOf, firstPass = false, newRules } = input;
  const history = historyOf(input, recipient);
  const ofGroups = groupBy(
    unsorted.filter((item) => kindOf(item).carriesOthers),
    ({ subject }) => subject,
  );
  const carriedBy = groupBy(unsorted, (item) =>
    item.below === undefined ? undefined : groupAbove(ofGroups.get(item.below) ?? [], item),
  );
  const items = unsorted
    .map((item) => (kindOf(item).carriesOthers ? { ...item, carries: carriedBy.get(item) ?? [] } : item))
    .sort(compareNotifications);
  const own = items.filter((item) => item.below === undefined);
  const begun = own.filter(({ transition }) => transition === 'firing');
  const grouped = {
    config,
    parents,
    exportOf: (client: string, mount: string): string | null => exportOf?.get(`${client}\0${mount}`) ?? null,
  };
  const open = openItems(alerts, items, input).filter(
    ({ alert }) => inhibition.insteadFor(alert, recipient)?.kind !== 'group-short',
  );
  return {
    recipient,
    severity: own.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    ordinary: !own.some((one) => isUrgentNow(one, history)),
    alreadyTrue: begun.length > 0 && begun.every(({ rule }) => firstPass || newRules?.has(rule) === true),
    items,
    sections: sectionsOf({ ...grouped, items: own }),
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
      const isHeard = hearersOf(watch.listeners, alert.severity).length > 0;
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
  { input, inhibition, easing }: Pass,
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
  const shorts = easing === null ? [] : standing.flatMap((alert) => shortsBeside(easing, alert));
  const nearlyFull = open.flatMap((alert) => inhibition.nearlyFull(alert).flatMap(({ id }) => id ?? []));
  for (const id of [...standIns, ...shorts, ...nearlyFull]) needed.add(id);
  return closed.flatMap(({ id }) => (needed.has(id) ? [] : id)).sort((one, other) => one - other);
}
