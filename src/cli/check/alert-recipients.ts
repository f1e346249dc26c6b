/** src/cli/check: `check`. */
import { append, groupBy } from '../../platform/group-by.ts';
import type { AboutKey } from '../../about/about.ts';
import { keyOfClient, keyOfFleet, keyOfGroup } from '../../about/kinds.ts';
import { ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { remembered } from '../../platform/remembered.ts';
import { nextOccurrence } from '../../alerter/digest/digest-times.ts';
import { isWrittenOnly } from '../../notify/mail-identity.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { type GroupState, needingGroups } from '../../alerter/inhibit/group-states.ts';
import { readGroups, reportsOf } from '../../look/data/fleet-status.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { readStored } from '../command/read-stored.ts';
import { dayMs, secondMs } from '../../platform/units.ts';
import type { Client, Config, Finding, Rule, Severity, Window } from '../../config/config.ts';
import { type Listener, worstSeverity, type Listeners, hearersOf } from '../../config/recipients/listeners.ts';
import { createWatches, isOnPath } from '../../alerter/inhibit/watches.ts';
import { type Span, windowSpans } from '../../config/recipients/windows.ts';
import { namedRecipients } from '../../config/recipients/fleet-recipients.ts';
import { notifyChooser } from '../../config/recipients/read-recipients.ts';
import { recipientInWords } from '../../config/values/recipient-kinds.ts';

/** The time in which the database has to answer. */
const timeoutMs = 10_000;

/** A recipient, and the alerts that the recipient is notified of. */
export interface AlertRecipient {
  /** An address, `|` and a command, or `webhook:` and a name. */
  readonly recipient: string;
  readonly severity: Severity;
  readonly within_hours: boolean;
  /** The time for which a critical alert fires without an acknowledgement before it is notified; null: none. */
  readonly after_seconds: number | null;
  /** Names of rules; empty: all rules of these clients. */
  readonly rules: readonly string[];
  /** Names of written rules of these clients that the recipient is not notified of. */
  readonly not_heard: readonly string[];
  /** The number of clients; 0 for the fleet. */
  readonly clients: number;
}

/** Rules that the same recipients hear in the same way. */
interface Audience {
  /** Empty for the fleet. */
  readonly clients: readonly Client[];
  readonly heard: readonly { readonly rule: Rule; readonly listeners: Listeners }[];
}

/** Returns the recipients by rule, and warnings of rules without one. */
export function alertRecipients(config: Config): {
  readonly recipients: readonly AlertRecipient[];
  readonly warnings: readonly Finding[];
} {
  const audiences = audiencesOf(config);
  const counts = new Map<string, { readonly of: Omit<AlertRecipient, 'clients'>; clients: number }>();
  for (const { clients, heard } of audiences) {
    const waysOf = heard.map(({ rule, listeners }) => ({ rule, ways: [...listeners.values()].flatMap(withBeyond) }));
    const ways = new Map(waysOf.flatMap(({ ways: all }) => all.map((one) => [keyOf(one), one] as const)));
    for (const [key, { recipient, least, hours, afterMs }] of ways) {
      const own = waysOf.filter(({ ways: all }) => all.some((one) => keyOf(one) === key)).map(({ rule }) => rule);
      const names = own.length === heard.length ? [] : own.map(({ name }) => name);
      const hidden = heard.flatMap(({ rule }) => (rule.origin === 'file' && !own.includes(rule) ? rule.name : []));
      const urgency = { severity: least, within_hours: hours !== undefined, after_seconds: secondsOf(afterMs) };
      const of = { recipient, ...urgency, rules: names, not_heard: hidden };
      const id = JSON.stringify([of, clients.length === 0]);
      const before = counts.get(id) ?? { of, clients: 0 };
      before.clients += clients.length;
      counts.set(id, before);
    }
  }
  const recipients = [...counts.values()].map(({ of, clients }) => ({ ...of, clients }));
  return {
    // The ladder of each client: first who is notified at once.
    recipients: recipients.sort((one, other) => (one.after_seconds ?? 0) - (other.after_seconds ?? 0)),
    warnings: [
      ...unheard(config, audiences),
      ...onlyRecipients(config, audiences),
      ...writtenOnly(config),
      ...onlyOnPath(config),
    ],
  };
}

/** Returns a warning of the alerts that reach nobody. */
function unheard({ file, alertmanager }: Config, audiences: readonly Audience[]): readonly Finding[] {
  const known = new Map<string, { readonly what: string; clients: string[] }>();
  for (const { clients, heard } of audiences) {
    if (clients[0]?.muted === true) continue;
    for (const severity of ['critical', 'warning'] as const) {
      const rules = heard.flatMap(({ rule, listeners }) => {
        const isMeant = severitiesOf(rule).includes(severity) && rule.mail?.length !== 0;
        return isMeant && hearersOf(listeners, severity).length === 0 ? rule.name : [];
      });
      if (rules.length === 0) continue;
      const what = `${severity === 'critical' ? 'critical alerts' : 'warnings'} of ${listed(rules, 4)}`;
      const id = JSON.stringify([rules, severity, clients.length === 0]);
      const before = known.get(id) ?? { what, clients: [] };
      append(
        before.clients,
        clients.map(({ name }) => name),
      );
      known.set(id, before);
    }
  }
  const parts = [...known.values()].map(
    ({ what, clients }) => `${what} of ${clients.length === 0 ? 'the fleet' : listed(clients, 2)}`,
  );
  const message = `${parts.join('; ')} reach nobody; write <mail to="..."/> into <alerts>, or <smtp fallback="...">`;
  return parts.length === 0 || alertmanager !== null ? [] : [{ file, line: null, message }];
}

/** Returns a warning of each recipient who alone hears of critical alerts, if <smtp> has no fallback. */
function onlyRecipients(config: Config, audiences: readonly Audience[]): readonly Finding[] {
  if (config.smtp === null || config.smtp.fallback !== null || config.alertmanager !== null) return [];
  const alone = new Map<string, string[]>();
  for (const { clients, heard } of audiences) {
    for (const { rule, listeners } of heard) {
      if (!severitiesOf(rule).includes('critical')) continue;
      const [first, ...others] = hearersOf(listeners, 'critical');
      if (first === undefined || others.length > 0) continue;
      const whose = clients.length === 0 ? ['the fleet'] : clients.map(({ name }) => name);
      alone.set(first.recipient, [...(alone.get(first.recipient) ?? []), ...whose]);
    }
  }
  return [...alone].map(([recipient, whose]) => {
    const message =
      `critical alerts of ${listed([...new Set(whose)], 2)} reach only ${recipientInWords(recipient)}: ` +
      'if it refuses them, nobody hears of it; write <smtp fallback="..."> or a second recipient';
    return { file: config.file, line: null, message };
  });
}

/** Returns a warning of the addresses that are sent nothing, because there is no <smtp>. */
function writtenOnly(config: Config): readonly Finding[] {
  const addresses = [...namedRecipients(config)].filter((to) => isWrittenOnly(config, to));
  if (addresses.length === 0) return [];
  const folder = statePaths(config.stateDir).outbox;
  const message = `there is no <smtp>: mails to ${listed(addresses, 3)} are written to ${folder}, and nobody is sent them`;
  return [{ file: config.file, line: null, message: `${message}; write <smtp host="..." from="..."/>` }];
}

/** Returns a warning if a lost canary is told by the path alone that lost it. */
function onlyOnPath(config: Config): readonly Finding[] {
  const { canary, alertmanager, file } = config;
  const { listeners: all } = createWatches(config)(keyOfFleet('mail-path'));
  const listeners = [...all.values()];
  const isTold = hearersOf(all, 'critical').some(({ recipient }) => !isOnPath(canary, recipient));
  if (canary === null || alertmanager !== null || isTold || listeners.length === 0) return [];
  const message = `mail-path, the alert about mails that do not arrive, goes only to ${listed(
    listeners.map(({ recipient }) => recipient),
    2,
  )}, by the path that <canary> watches; write a <webhook>, a <notify>, or a <mail to="..."/> at another server`;
  return [{ file, line: null, message }];
}

/** Groups clients by rules, recipients and programs, and adds the fleet. Walks the list that the alerter walks. */
function audiencesOf(config: Config): readonly Audience[] {
  const { clients, alerts, notify } = config;
  const watchOf = createWatches(config);
  const visited = clients.filter(({ state }) => state !== 'retired');
  const notifyOf = notifyChooser(notify);
  const alike = [...groupBy(visited, (client) => client.rules)].flatMap(([rules, all]) =>
    [...groupBy(all, (client) => client.recipients).values()]
      .flatMap((same) => [...groupBy(same, notifyOf).values()])
      .map((same) => ({ rules, clients: same })),
  );
  return [...alike, { rules: alerts.rules, clients: [] }].map(({ rules, clients: same }) => {
    const [first] = same;
    const keyFor = ({ name }: Rule): AboutKey =>
      first === undefined ? keyOfFleet(name) : keyOfClient(first.name, name);
    return { clients: same, heard: rules.map((rule) => ({ rule, listeners: watchOf(keyFor(rule)).listeners })) };
  });
}

/** Returns a recipient, and what counts outside of the own hours as one of its own. */
function withBeyond(listener: Listener): readonly Listener[] {
  return listener.beyond === undefined ? [listener] : [listener, listener.beyond];
}

function keyOf({ recipient, least, hours, afterMs }: Listener): string {
  return JSON.stringify([recipient, least, hours !== undefined, afterMs]);
}

function secondsOf(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / secondMs;
}

function severitiesOf({ warning, critical, severity }: Rule): readonly Severity[] {
  if (warning === null && critical === null) return [severity];
  return [...(warning === null ? [] : ['warning' as const]), ...(critical === null ? [] : ['critical' as const])];
}

/** Formats names as `a, b and 3 more`. */
function listed(names: readonly string[], most: number): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
}

/** A window, the number of clients that have it, and its next times. */
export interface NextWindow {
  readonly clients: number;
  readonly severity: 'warning' | null;
  readonly rules: readonly string[];
  readonly next: readonly { readonly starts_at: string; readonly ends_at: string }[];
}

/** Returns every window of config.xml with its next times, up to three within a year. */
export function nextWindows({ clients, alerts }: Config, nowMs: number): readonly NextWindow[] {
  const counts = new Map<Window, number>(alerts.windows.map((window) => [window, 0]));
  for (const { windows } of clients) for (const window of windows) counts.set(window, (counts.get(window) ?? 0) + 1);
  return [...counts].map(([window, count]) => {
    const { severity, rules } = window;
    const within = (days: number): readonly Span[] =>
      windowSpans(window, nowMs, nowMs + days * dayMs, alerts.zone)
        .filter(({ endsAtMs }) => endsAtMs > nowMs)
        .slice(0, 3);
    const soon = within(15);
    const next = soon.length < 3 ? within(366) : soon;
    const iso = (atMs: number): string => new Date(atMs).toISOString();
    return {
      clients: count,
      severity,
      rules,
      next: next.map((one) => ({ starts_at: iso(one.startsAtMs), ends_at: iso(one.endsAtMs) })),
    };
  });
}

/** A digest, its recipients and its next time. */
interface NextDigest {
  readonly digest: string;
  readonly to: readonly string[];
  readonly next: string;
}

/** Returns every digest of config.xml with its next time. */
export function nextDigests({ digests, alerts }: Config, nowMs: number): readonly NextDigest[] {
  return digests.map((digest) => ({
    digest: digest.name,
    to: digest.to,
    next: new Date(nextOccurrence(digest, alerts.zone, nowMs).dueMs).toISOString(),
  }));
}

/** A group that needs some of its members, and whom its alert and those of its members reach. */
export interface GroupHearers {
  readonly group: string;
  readonly members: number;
  readonly needed: number;
  /** The recipients of group-short. */
  readonly recipients: readonly string[];
  /** The recipients who hear of members alone, also while the group lacks members. */
  readonly member_recipients: readonly string[];
}

/** Returns who hears when too few members of a group serve. */
export function groupHearers(config: Config): readonly GroupHearers[] {
  const watchOf = createWatches(config);
  return needingGroups(config).map(({ need: { name, rules, rule: short }, members, needed }) => {
    const recipients = recipientsOf(watchOf(keyOfGroup(name)).listeners, short);
    const isMeant = ruleMatcher(rules.join(','));
    const rulesOf = remembered((all: readonly Rule[]) => all.filter((rule) => isMeant(rule)));
    const toldOf = (member: Client): readonly string[] =>
      rulesOf(member.rules).flatMap((rule) =>
        recipientsOf(watchOf(keyOfClient(member.name, rule.name)).listeners, rule),
      );
    return {
      group: name,
      members: members.length,
      needed,
      recipients,
      member_recipients: [...new Set(members.flatMap(toldOf))].filter((one) => !recipients.includes(one)),
    };
  });
}

/** A group that needs some of its members, and who serves now. */
export interface GroupMembers extends GroupHearers {
  /** The members that serve now; null if the database cannot be read or has never heard of them. */
  readonly serving: number | null;
  readonly lost: readonly string[];
  readonly unknown: readonly string[];
  /** The state of the group; null if nothing is known of its members. */
  readonly state: GroupState['state'] | null;
}

/** Returns who serves now in each group that needs some of its members, and who hears when too few do. */
export async function groupMembers(config: Config, signal: AbortSignal): Promise<readonly GroupMembers[]> {
  if (config.needs.length === 0) return [];
  const states = await withTimeout({ timeoutMs, signal }, (limit) =>
    readStored(config.storage, limit, async (storage) =>
      storage === null
        ? []
        : await readGroups(config, storage, {
            nowMs: await storage.nowMs(),
            newest: reportsOf(await storage.history.clients()),
          }),
    ),
  ).catch((): readonly GroupState[] => []);
  signal.throwIfAborted();
  const stateOf = new Map(states.map((state) => [state.group.need.name, state]));
  return groupHearers(config).map(({ group, members, needed, ...heard }) => {
    const state = stateOf.get(group) ?? null;
    const isKnown = state !== null && state.unknown.length < members;
    return {
      ...{ group, members, needed },
      serving: isKnown ? state.serving : null,
      lost: [...new Set((state?.lost ?? []).map(({ client }) => client))],
      unknown: isKnown ? state.unknown : [],
      state: isKnown ? state.state : null,
      ...heard,
    };
  });
}

/** Returns the recipients that hear of a rule at its worst. */
function recipientsOf(listeners: Listeners, rule: Rule): readonly string[] {
  return hearersOf(listeners, worstSeverity(rule)).map(({ recipient }) => recipient);
}
