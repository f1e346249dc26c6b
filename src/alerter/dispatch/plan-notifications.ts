import type { Severity } from '../../config/config.ts';
import type { RecipientHistory, WaitingMail } from '../../storage/store/alert-store.ts';
import type { LastNotified } from '../../storage/store/alert.ts';
import type { Bastions } from '../inhibit/bastions-gone.ts';
import { openBastions } from '../inhibit/bastions-gone.ts';
import { openMutes } from '../inhibit/mutes.ts';
import { knownAfter } from '../inhibit/difference.ts';
import type { Known } from '../inhibit/difference.ts';
import type { RecipientNews } from './recipient-news.ts';
import { findNews } from './recipient-news.ts';
import { sectionsOf } from './group.ts';
import type { Inhibition } from '../inhibit/inhibition.ts';
import { openInhibition } from '../inhibit/inhibition.ts';
import { compareItems, itemOf } from './pending-notification.ts';
import { alertsByRecipient, watchedAlerts } from './recipient-alerts.ts';
import type { Watched } from './recipient-alerts.ts';
import { createWatches, hears } from '../inhibit/recipients-of.ts';
import { contentsOf } from './replace.ts';
import { isUrgentNow, postponement } from './group-interval.ts';
import { closedOutOf } from './closed-out.ts';
import type { DueMail, Held, Item, NotificationPlan } from './notification-plan.ts';
import { compareText } from '../../text/compare-text.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { RecipientAlert, News } from './news.ts';

/**
 * What is to be told now, to whom, in which mail, and why the rest is not: the difference between what each recipient was
 * told last and the state, unless something holds it back (specification, section 5). The same world gives the same
 * answer, order included. Alerts that are not stored yet (id null) are left out.
 *
 * What began and ended while it was held back by a silence or window is only listed: in the recipient's next mail that
 * goes out anyway, for twelve hours after that; then it is left to `alerts` and `explain`.
 */
export function planNotifications(input: DispatchInput): NotificationPlan {
  const { config } = input;
  const watchOf = createWatches(config);
  const windowsOfClient = new Map(config.clients.map(({ name, windows }) => [name, windows]));
  const mutes = openMutes({
    config,
    silences: [...input.silences, ...input.endedSilences],
    windowsOf: (client) => (client === '' ? config.alerts.windows : (windowsOfClient.get(client) ?? [])),
  });
  const inhibition = remembering(openInhibition({ input, mutes, watchOf }));
  const bastions = openBastions(config, input.alerts);
  const watched = watchedAlerts(input, watchOf);
  const pass: Pass = { input, inhibition, bastions };
  const outcomes = [...alertsByRecipient(input, watched)]
    .sort(([one], [other]) => compareText(one, other))
    .map(([recipient, matters]) => tellOne(pass, recipient, matters));
  const mails = outcomes.flatMap(({ mail }) => (mail === null ? [] : [mail]));
  const told = outcomes.flatMap((outcome) => outcome.told);
  return {
    mails: mails.sort(compareMails),
    told,
    closedOut: closedOutOf({
      input,
      inhibition,
      watched,
      told,
      mails,
      forgone: outcomes.flatMap((outcome) => outcome.forgone),
    }),
    held: [...heldByNobody(watched, input.told), ...joined(outcomes.flatMap((outcome) => outcome.held))],
  };
}

interface Pass {
  readonly input: DispatchInput;
  readonly inhibition: Inhibition;
  readonly bastions: Bastions;
}

interface Outcome {
  readonly mail: DueMail | null;
  readonly told: readonly LastNotified[];
  readonly held: readonly Held[];
  readonly forgone: readonly { readonly alertId: number; readonly recipient: string }[];
}

function tellOne({ input, inhibition, bastions }: Pass, recipient: string, matters: readonly RecipientAlert[]): Outcome {
  const { config, nowMs } = input;
  const { everyMs } = config.collector;
  const look = (known: (matter: RecipientAlert) => Known): RecipientNews =>
    findNews({ matters, knownOf: known, recipient, inhibition, bastions, nowMs, everyMs });
  const desk = look(({ told }) => told);
  const heldBack = desk.held.flatMap(({ matter, reasons }) =>
    reasons.map((reason) => heldOf(matter, recipient, reason)),
  );
  const forgone = [...desk.forgone].map((alertId) => ({ alertId, recipient }));
  const nothing = { mail: null, told: [], held: heldBack, forgone };
  const ringing = desk.news.filter(({ listedOnly }) => !listedOnly);
  if (ringing.length === 0 && !desk.remindersDue) return nothing;
  const isOwn = (mail: WaitingMail): boolean => mail.recipient === recipient;
  const contents = contentsOf({
    waiting: input.waiting.filter(isOwn),
    begun: (input.begun ?? []).filter(isOwn),
    look,
  });
  const behind = desk.news.flatMap(({ matter }) => {
    const mail = contents.kept.get(matter.alert.id);
    const isSaid = mail === undefined || contents.news.some((news) => news.matter === matter);
    return isSaid ? [] : [heldOf(matter, recipient, { kind: 'older-mail', mailId: mail.id })];
  });
  if (contents.news.length === 0) return { ...nothing, held: [...heldBack, ...behind] };
  const history = input.histories.find((one) => one.recipient === recipient) ?? null;
  const postponed = postponement({
    news: ringing,
    history,
    replacedAtMs: contents.replaces.map(({ createdAtMs }) => createdAtMs),
    nowMs,
    groupIntervalMs: config.alerts.groupIntervalMs,
    everyMs,
    maxMailsPerHour: config.smtp?.maxMailsPerHour ?? null,
  });
  if (postponed !== null) {
    const all = [...ringing, ...(desk.remindersDue ? desk.reminders : [])];
    return { ...nothing, held: [...heldBack, ...all.map(({ matter }) => heldOf(matter, recipient, postponed))] };
  }
  const replaces = contents.replaces.map(({ id }) => id).sort((one, other) => one - other);
  const mail = mailOf({ input, bastions }, { recipient, matters, news: contents.news, replaces, history });
  const told = mail.items.map(({ alertId, alert }) => ({ alertId, recipient, ...knownAfter(alert, nowMs) }));
  return { mail, told, held: [...heldBack, ...behind], forgone };
}

function heldOf({ alert }: RecipientAlert, recipient: string, reason: HoldReason): Held {
  return { alertId: alert.id, recipient: isForEverybody(reason) ? null : recipient, reason };
}

const ownReasons: readonly HoldReason['kind'][] = [
  'unreachable',
  'bastion',
  'isolated',
  'collector-silent',
  'worse-rule',
  'hours',
  'flapping',
  'group-interval',
  'cap',
  'older-mail',
];

function isForEverybody({ kind }: HoldReason): boolean {
  return !ownReasons.includes(kind);
}

interface MailContents {
  readonly recipient: string;
  /** All that concerns the recipient. */
  readonly matters: readonly RecipientAlert[];
  readonly news: readonly News[];
  readonly replaces: readonly number[];
  readonly history: RecipientHistory | null;
}

function mailOf(
  { input, bastions }: Pick<Pass, 'input' | 'bastions'>,
  { recipient, matters, news, replaces, history }: MailContents,
): DueMail {
  const { config, exportOf, firstPass = false, newRules, collectorHosts } = input;
  const items = news.map((one) => itemOf(one, collectorHosts)).sort(compareItems);
  const begun = items.filter(({ transition }) => transition === 'firing');
  const grouped = {
    clients: config.clients,
    bastions,
    exportOf: (client: string, mount: string): string | null => exportOf?.get(`${client}\0${mount}`) ?? null,
  };
  const open = openItems(matters, news, collectorHosts);
  return {
    recipient,
    severity: items.reduce<Severity>((worst, item) => (item.severity === 'critical' ? 'critical' : worst), 'warning'),
    ordinary: !news.some((one) => isUrgentNow(one, history)),
    alreadyTrue: begun.length > 0 && begun.every(({ rule }) => firstPass || newRules?.has(rule) === true),
    items,
    sections: sectionsOf({ ...grouped, items }),
    open,
    openFolds: sectionsOf({ ...grouped, items: open })
      .flatMap(({ rules }) => rules.flatMap(({ lines }) => lines))
      .filter(({ fold }) => fold !== null),
    replaces,
  };
}

/** Returns what fires for a recipient who knows it, or learns it now. */
function openItems(matters: readonly RecipientAlert[], news: readonly News[], hosts: DispatchInput['collectorHosts']): readonly Item[] {
  const learnt = new Set(news.map(({ matter }) => matter.alert.id));
  return matters
    .filter(({ alert, listener, told }) => {
      const isKnown = learnt.has(alert.id) || (told !== null && told.state !== 'resolved');
      return alert.state === 'firing' && listener !== null && hears(listener, alert.severity) && isKnown;
    })
    .map((matter) => itemOf({ matter, transition: 'reminder', known: matter.told, listedOnly: false }, hosts))
    .sort(compareItems);
}

function compareMails(one: DueMail, other: DueMail): number {
  const bySeverity = Number(one.severity !== 'critical') - Number(other.severity !== 'critical');
  return bySeverity || compareText(one.recipient, other.recipient);
}

/** What fires and reaches nobody. */
function heldByNobody(watched: readonly Watched[], told: readonly LastNotified[]): readonly Held[] {
  const known = new Set(told.map(({ alertId }) => alertId));
  return watched
    .filter(({ alert, watch }) => {
      const isHeard = [...watch.listeners.values()].some((listener) => hears(listener, alert.severity));
      return alert.state === 'firing' && !isHeard && !known.has(alert.id);
    })
    .map(({ alert }) => ({ alertId: alert.id, recipient: null, reason: { kind: 'nobody' } }));
}

/** What holds for everybody once. */
function joined(held: readonly Held[]): readonly Held[] {
  const distinct = new Map(held.map((one) => [JSON.stringify(one), one]));
  return [...distinct.values()];
}

/** Each alert is asked about for each recipient. */
function remembering(inhibition: Inhibition): Inhibition {
  const reasons = new Map<number | null, readonly HoldReason[]>();
  return {
    ...inhibition,
    reasonsFor: (alert) => {
      const known = reasons.get(alert.id) ?? inhibition.reasonsFor(alert);
      reasons.set(alert.id, known);
      return known;
    },
  };
}
