/** src/config/recipients: who is told of alerts, from where, and when. */
import type { Config, Recipient, Rule, Severity } from '../config.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { asksFor, ruleLists } from '../rules/rule-matcher.ts';
import { kindOfRecipient } from '../values/recipient-kinds.ts';
import { isHeard, toldAlways } from './listeners.ts';

/** Returns all recipients of canaries, mails, digests, commands and webhooks in config.xml, and smtp.fallback. */
export function namedRecipients(config: Config): ReadonlySet<string> {
  const { canary, digests, notify, smtp } = config;
  return new Set([
    ...[...listsOf(config).flat(2), ...notify].map(({ to }) => to),
    ...ruleLists(config).flatMap((list) => list.flatMap(({ mail }) => mail ?? [])),
    ...digests.flatMap(({ to }) => to),
    ...[canary?.to ?? [], smtp?.fallback ?? []].flat(),
  ]);
}

type Elements = Pick<Config, 'alerts' | 'clients' | 'needs'>;

/** Returns the lists of <alerts>, of clients, and of groups that need some of their members. Clients share theirs. */
function listsOf({ alerts, clients, needs }: Elements): readonly (readonly (readonly Recipient[])[])[] {
  return [[alerts], clients, needs].map((all) => [...new Set(all.map(({ recipients }) => recipients))]);
}

/**
 * Returns a function that finds the recipients of a condition of the fleet: the first list with a recipient for it
 * among those of <alerts>, those of clients, and those of clients whatever their `rules`. If there is none: everybody,
 * or with smtp.fallback those of clients.
 */
export function createFleetRecipients(config: Config): (rule: Rule, worst: Severity) => readonly Recipient[] {
  const { recipients } = config.alerts;
  const notify = config.notify.filter(({ selects }) => selects === null);
  const lists = listsOf(config);
  const ofClients = lists[1]?.flat() ?? [];
  const ofAnyRule = ofClients.map((one): Recipient => ({ ...one, rules: [] }));
  const all = [...new Set(lists.flat())].flat().map(({ to, hours }) => toldAlways(to, hours));
  return (rule, worst) => {
    if (rule.mail !== null || isHeard(rule, recipients, worst)) return recipients;
    if (isHeard(rule, [...ofClients, ...notify], worst)) return ofClients;
    if (isHeard(rule, ofAnyRule, worst)) return ofAnyRule;
    return (config.smtp?.fallback ?? null) === null ? all : ofClients;
  };
}

/**
 * Returns who is told of a database that is away or a broken config.xml. These are no alerts, and no alert reaches
 * anybody meanwhile: the fallback; the recipients of the whole fleet from <alerts>, or otherwise those of clients, or
 * of groups; and every <notify>. Entries with `after` count only if there are no others. Without <smtp>, the folder
 * `outbox/` replaces all addresses.
 */
export function awayRecipients(
  { smtp, notify, stateDir, ...elements }: Elements & Pick<Config, 'smtp' | 'notify' | 'stateDir'>,
  rule: string,
): readonly string[] {
  const asking = (list: readonly Recipient[]): readonly Recipient[] => {
    const all = list.filter(({ rules }) => asksFor(rules, { name: rule, type: null }));
    const atOnce = all.filter(({ afterMs }) => afterMs === null);
    return atOnce.length > 0 ? atOnce : all;
  };
  const lists = listsOf(elements).map((all) => all.flatMap(asking));
  const named = [...(lists.find((list) => list.length > 0) ?? []), ...asking(notify)].map(({ to }) => to);
  const isSent = (to: string): boolean => smtp !== null || kindOfRecipient(to).kind !== 'mail';
  const first = smtp === null ? statePaths(stateDir).outbox : smtp.fallback;
  return [...new Set([...[first ?? []].flat(), ...named.filter(isSent)])];
}
