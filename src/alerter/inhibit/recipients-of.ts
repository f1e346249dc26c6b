import { clientsByName } from '../../config/clients/select-clients.ts';
import { isOwnFault } from '../../platform/errors/errors.ts';
import { groupBy, least } from '../../platform/group-by.ts';
import type { Client, Config, NotifyConfig, Recipient, Rule, Severity, Window } from '../../config/config.ts';
import { isHeard, notifyChooser, worstSeverity } from '../../config/clients/recipients.ts';
import { membersByGroup } from '../../config/clients/group-needs.ts';
import { asksFor, findRule, ruleLists, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import type { AboutKey } from '../../about/about.ts';
import { type RuleList, ruleListOf } from '../../config/rules/builtin-rules.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { selectsAll } from '../../config/values/client-selector.ts';
import { remembered } from '../../platform/remembered.ts';
import { windowSpans, windowUntil } from './windows.ts';
import { dayMs } from '../../platform/units.ts';
import { addresseeOf, domainOf, recipientOfCommand } from '../../notify/mail-identity.ts';
import type { HoldReason } from './hold-reason.ts';

/** A recipient of the alerts of a rule of a client, and the least severity. */
export interface Listener {
  /** An address, `|` and a command of <notify>, or `webhook:` and a name. */
  readonly recipient: string;
  readonly least: Severity;
  /** The hours of the recipient by severity. Alerts of a severity that is missing are notified at all hours. */
  readonly hours?: Readonly<Partial<Record<Severity, readonly Window[]>>>;
  /** The time for which a critical alert fires without an acknowledgement before it is notified. Default: none. */
  readonly afterMs?: number;
  /** The same recipient for critical alerts outside of `hours`, by entries with `after`. Default: none. */
  readonly beyond?: Listener;
}

/** The part of an alert that its configuration depends on. The subject is that of the alert of a group. */
export type WatchKey = Pick<AboutKey, 'about' | 'client' | 'rule'> & Partial<Pick<AboutKey, 'subject'>>;

/** The configuration of an alert. */
export interface Watch {
  /** null if config.xml lacks the client or the rule, or the client is retired. */
  readonly rule: Rule | null;
  /** null if config.xml lacks the client, or the alert concerns the fleet. */
  readonly client: Client | null;
  /** The labels of the client; without a client, the labels of the fleet. */
  readonly labels: Client['labels'];
  /** By recipient. */
  readonly listeners: ReadonlyMap<string, Listener>;
}

export function hears({ least }: Listener, severity: Severity): boolean {
  return least === 'warning' || severity === 'critical';
}

/** Returns the end of the pause if the hours of a recipient are over now; null if they are not. */
export function outsideHours({ hours: all }: Listener, severity: Severity, nowMs: number): HoldReason | null {
  const hours = all?.[severity];
  if (hours === undefined || hours.some((window) => windowUntil(window, nowMs, null) !== null)) return null;
  // Hours of one day a week may lie within the time that a clock change skips.
  const spans = hours.flatMap((window) => windowSpans(window, nowMs, nowMs + 15 * dayMs, null));
  return { kind: 'hours', untilMs: least(spans.map(({ startsAtMs }) => startsAtMs).filter((ms) => ms > nowMs)) };
}

/** Returns what counts for a recipient at a time: outside of the hours the entries with `after`, if there are any. */
export function listenerAt(listener: Listener, severity: Severity, atMs: number): Listener {
  const { beyond } = listener;
  const isBeyond = beyond !== undefined && severity === 'critical' && outsideHours(listener, severity, atMs) !== null;
  return isBeyond ? beyond : listener;
}

/**
 * Returns a function that finds the recipients of an alert: a rule's own `mail`, else the client's recipients by
 * severity and rule; see createFleetRecipients for the fleet. Every <notify> gets the alerts that it selects. A default
 * or condition without recipients goes to smtp.fallback, unless config.xml has `mail="none"`. The alert of a group has
 * the recipients of its element. Clients share the results.
 */
export function createWatches(config: Config): (key: WatchKey) => Watch {
  const clients = clientsByName(config.clients);
  const listenersOf = remembered((rule: Rule) =>
    remembered((recipients: readonly Recipient[]) =>
      remembered((muted: boolean) =>
        remembered((notify: readonly NotifyConfig[]) =>
          readListeners({ config, notify, rule, recipients, muted, alike: [] }),
        ),
      ),
    ),
  );
  const fleetRecipients = createFleetRecipients(config);
  const notifyOf = notifyChooser(config.notify);
  const { labels } = config;
  const groups = remembered((name: string) => watchOfGroup(config, name));
  const ofFleet = ({ rule: name }: WatchKey): Watch => {
    const rule = findRule(config.alerts.rules, name);
    const all = rule === null ? nobody : listenersOf(rule)(fleetRecipients(rule))(false)(notifyOf(null));
    const listeners = rule?.name === 'mail-path' ? besidePath(config, all) : all;
    return { rule, client: null, labels, listeners };
  };
  const watches: Readonly<Record<RuleList, (key: WatchKey) => Watch>> = {
    group: ({ subject = '' }) => groups(subject),
    fleet: ofFleet,
    client: (key) => {
      const client = clients.get(key.client) ?? null;
      const rule = client === null || client.state === 'retired' ? null : findRule(client.rules, key.rule);
      if (client === null || rule === null) {
        return { rule: null, client, labels: client?.labels ?? labels, listeners: nobody };
      }
      const listeners = listenersOf(rule)(client.recipients)(client.muted)(notifyOf(client));
      return { rule, client, labels: client.labels, listeners };
    },
  };
  return (key) => watches[ruleListOf[key.about]](key);
}

/** Returns the configuration of the alert of a group. Recipients who hear of its members' rules hear of it too. */
function watchOfGroup(config: Config, name: string): Watch {
  const need = config.needs.find((one) => one.name === name);
  if (need?.rule === undefined || need.rule === null) {
    return { rule: null, client: null, labels: config.labels, listeners: nobody };
  }
  const { rule, recipients, muted, labels, rules } = need;
  const members = membersByGroup(config).get(name) ?? [];
  const notify = config.notify.filter(({ selects }) => selectsAll(selects, members));
  const isMeant = ruleMatcher(rules.join(','));
  const alike = [...new Set(members.flatMap((member) => member.rules))].filter(isMeant);
  return { rule, client: null, labels, listeners: readListeners({ config, notify, rule, recipients, muted, alike }) };
}

/**
 * Returns the listeners that the path of `<canary>` does not reach: commands, webhooks, and addresses at other servers
 * than the canary's. Returns all if there are none.
 */
function besidePath({ canary }: Config, all: Watch['listeners']): Watch['listeners'] {
  const beside = [...all].filter(([recipient]) => !isOnPath(canary, recipient));
  return beside.length > 0 ? new Map(beside) : all;
}

/** True if the recipient is an address at the mail server to which canaries are sent. */
export function isOnPath(canary: Config['canary'], recipient: string): boolean {
  const to = addresseeOf(recipient);
  return canary !== null && to !== null && domainOf(to) === domainOf(canary.to);
}

/** Returns all recipients of canaries, mails, digests, commands and webhooks in config.xml, and smtp.fallback. */
export function namedRecipients(config: Config): ReadonlySet<string> {
  const { canary, digests, notify, smtp } = config;
  return new Set([
    ...allRecipients(config).map(({ to }) => to),
    ...ruleLists(config).flatMap((list) => list.flatMap(({ mail }) => mail ?? [])),
    ...digests.flatMap(({ to }) => to),
    ...[canary?.to ?? []].flat(),
    ...notify.map(({ command }) => recipientOfCommand(command)),
    ...[smtp?.fallback ?? []].flat(),
  ]);
}

/** Returns the recipients of <alerts>, of clients, and of groups that need some of their members. */
function allRecipients({ alerts, clients, needs }: Config): readonly Recipient[] {
  // Clients share their lists.
  return [...new Set([alerts, ...clients, ...needs].map(({ recipients }) => recipients))].flat();
}

/**
 * Returns the recipients of a condition of the fleet: the first list with a recipient for it among those of <alerts>,
 * those of clients, and those of clients whatever their `rules`. If there is none: everybody, or with smtp.fallback
 * those of clients.
 */
function createFleetRecipients(config: Config): (rule: Rule) => readonly Recipient[] {
  const { recipients } = config.alerts;
  const notify = config.notify.filter(({ selects }) => selects === null);
  const ofClients = [...new Set(config.clients.map((client) => client.recipients))].flat();
  const ofAnyRule = ofClients.map((one): Recipient => ({ ...one, rules: [] }));
  const all = allRecipients(config).map(({ to, hours }): Recipient => ({
    ...{ to, hours },
    ...{ rules: [], severity: null, afterMs: null },
  }));
  return remembered((rule) => {
    const worst = worstOfFleet(rule, config);
    if (rule.mail !== null || isHeard(rule, recipients, worst)) return recipients;
    if (isHeard(rule, [...ofClients, ...notify], worst)) return ofClients;
    if (isHeard(rule, ofAnyRule, worst)) return ofAnyRule;
    return (config.smtp?.fallback ?? null) === null ? all : ofClients;
  });
}

type Listeners = Watch['listeners'];

const nobody: Listeners = new Map();

interface ReadListenersOptions {
  readonly config: Config;
  readonly notify: readonly NotifyConfig[];
  readonly rule: Rule;
  readonly recipients: readonly Recipient[];
  readonly muted: boolean;
  /** Whoever asks for one of these rules hears of the rule too. */
  readonly alike: readonly Rule[];
}

function readListeners({ config, notify, rule, recipients, muted, alike }: ReadListenersOptions): Listeners {
  const programs = notify.map((one): Recipient => ({ ...one, to: recipientOfCommand(one.command), hours: null }));
  const isAsking = ({ rules }: Recipient): boolean =>
    asksFor(rules, rule) || (!rules.includes(`!${rule.name}`) && alike.some((one) => asksFor(rules, one)));
  const asking = [...recipientsOfRule(rule, recipients), ...programs].filter(isAsking);
  const listeners = new Map([...groupBy(asking, ({ to }) => to)].map(([to, own]) => [to, listenerOf(to, own)]));
  const worst = worstSeverity(rule);
  const reachesAnybody = [...listeners.values()].some((listener) => hears(listener, worst));
  const fallback = config.smtp?.fallback ?? null;
  if (!reachesAnybody && rule.origin !== 'file' && rule.mail === null && !muted && fallback !== null) {
    listeners.set(fallback, { recipient: fallback, least: 'warning' });
  }
  return listeners;
}

/**
 * Combines the entries of one recipient. Entries with `after` count if there are no others, and outside of the hours of
 * the others.
 */
function listenerOf(recipient: string, entries: readonly Recipient[]): Listener {
  const atOnce = entries.filter(({ afterMs }) => afterMs === null);
  const late = entries.filter(({ afterMs }) => afterMs !== null);
  const own = atOnce.length > 0 ? atOnce : late;
  const hours = own.some((one) => one.hours !== null) ? hoursOf(own) : undefined;
  return {
    recipient,
    least: own.every(({ severity }) => severity === 'critical') ? 'critical' : 'warning',
    ...(hours === undefined ? {} : { hours }),
    ...(atOnce.length > 0 ? {} : { afterMs: least(late.flatMap(({ afterMs }) => afterMs ?? [])) }),
    ...(own === atOnce && late.length > 0 && hours?.critical !== undefined
      ? { beyond: listenerOf(recipient, late) }
      : {}),
  };
}

/** Returns a recipient's hours by severity. Omits a severity for which one of the entries is for all hours. */
function hoursOf(own: readonly Recipient[]): NonNullable<Listener['hours']> {
  const ofSeverity = (severity: Severity): readonly (Window | null)[] =>
    own.filter((one) => one.severity !== 'critical' || severity === 'critical').map(({ hours }) => hours);
  const entries = (['warning', 'critical'] as const).map((severity) => [severity, ofSeverity(severity)] as const);
  return Object.fromEntries(entries.filter(([, hours]) => !hours.includes(null)));
}

function recipientsOfRule(rule: Rule, recipients: readonly Recipient[]): readonly Recipient[] {
  return rule.mail === null
    ? recipients
    : rule.mail.map((to) => ({ to, severity: null, rules: [], hours: null, afterMs: null }));
}

/** The conditions of clients, by the conditions of the fleet that stand for them. */
export const stoodForBy = new Map([
  ['collector-isolated', 'unreachable'],
  ['collector-silent', 'no-report'],
  ['collector-fault', 'no-report'],
]);

/** Returns the worst severity of an alert of the fleet, including that of the alerts that it stands for. */
export function worstOfFleet(rule: Rule, config: Config): Severity {
  const condition = stoodForBy.get(rule.name);
  const lists = condition === undefined ? [] : ruleLists(config);
  const isCritical = lists.flat().some((one) => one.name === condition && worstSeverity(one) === 'critical');
  return isCritical ? 'critical' : worstSeverity(rule);
}

/** Returns a function that finds the collector's own fault that was open when a client's alert fired (`stoodForBy`). */
export function createStandIns({
  alerts,
  collectorOfRun,
}: {
  readonly alerts: readonly Alert[];
  readonly collectorOfRun?: ReadonlyMap<string, string> | undefined;
}): (alert: Alert) => Alert | null {
  const begun = alerts.filter((alert) => !kindOf(alert).followsRows && alert.state !== 'pending');
  const byRule = groupBy(begun, ({ rule }) => stoodForBy.get(rule));
  return (alert) => {
    const own = kindOf(alert).followsRows ? byRule.get(alert.rule) : undefined;
    if (own === undefined || alert.firingSinceMs === null || alert.progress.isNetwork === false) return null;
    const begunMs = alert.firingSinceMs;
    const collector = collectorOfRun?.get(alert.changedByRun ?? '') ?? null;
    const standIn = own.find(
      (one) =>
        (collector === null || collector === one.subject) &&
        // It stands for the clients alone whose visits it has failed.
        (one.rule !== 'collector-fault' || isOwnFault(alert.progress.code ?? null)) &&
        one.pendingSinceMs <= begunMs &&
        (one.resolvedAtMs === null || begunMs < one.resolvedAtMs),
    );
    return standIn ?? null;
  };
}
