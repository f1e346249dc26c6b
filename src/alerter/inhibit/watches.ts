import { clientsByName } from '../../config/clients/select-clients.ts';
import type { Client, Config, NotifyConfig, Recipient, Rule } from '../../config/config.ts';
import { membersByGroup } from '../../config/clients/group-needs.ts';
import type { AboutKey } from '../../about/about.ts';
import { type RuleList, ruleListOf } from '../../config/rules/builtin-rules.ts';
import { selectsAll } from '../../config/values/client-selector.ts';
import { findRule, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { domainOf } from '../../notify/mail-identity.ts';
import { remembered } from '../../platform/remembered.ts';
import { type Listeners, noListeners, listenersOf } from '../../config/recipients/listeners.ts';
import { createFleetRecipients } from '../../config/recipients/fleet-recipients.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';
import { notifyChooser } from '../../config/recipients/read-recipients.ts';
import { worstOfFleet } from './stand-ins.ts';

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
  readonly listeners: Listeners;
}

/**
 * Returns a function that finds the recipients of an alert: a rule's own `mail`, else the client's recipients by
 * severity and rule; see createFleetRecipients for the fleet. Every <notify> gets the alerts that it selects. A default
 * or condition without recipients goes to smtp.fallback, unless config.xml has `mail="none"`. The alert of a group has
 * the recipients of its element. Clients share the results.
 */
export function createWatches(config: Config): (key: WatchKey) => Watch {
  const clients = clientsByName(config.clients);
  const { labels, smtp } = config;
  const heardBy = remembered((rule: Rule) =>
    remembered((recipients: readonly Recipient[]) =>
      remembered((muted: boolean) =>
        remembered((notify: readonly NotifyConfig[]) => listenersOf({ smtp, notify, rule, recipients, muted })),
      ),
    ),
  );
  const recipientsFor = createFleetRecipients(config);
  const fleetRecipients = remembered((rule: Rule) => recipientsFor(rule, worstOfFleet(rule, config)));
  const notifyOf = notifyChooser(config.notify);
  const groups = remembered((name: string) => watchOfGroup(config, name));
  const ofFleet = ({ rule: name }: WatchKey): Watch => {
    const rule = findRule(config.alerts.rules, name);
    const all = rule === null ? noListeners : heardBy(rule)(fleetRecipients(rule))(false)(notifyOf(null));
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
        return { rule: null, client, labels: client?.labels ?? labels, listeners: noListeners };
      }
      const listeners = heardBy(rule)(client.recipients)(client.muted)(notifyOf(client));
      return { rule, client, labels: client.labels, listeners };
    },
  };
  return (key) => watches[ruleListOf[key.about]](key);
}

/** Returns the configuration of the alert of a group. Recipients who hear of its members' rules hear of it too. */
function watchOfGroup(config: Config, name: string): Watch {
  const need = config.needs.find((one) => one.name === name);
  if (need?.rule === undefined || need.rule === null) {
    return { rule: null, client: null, labels: config.labels, listeners: noListeners };
  }
  const { rule, recipients, muted, labels, rules } = need;
  const members = membersByGroup(config).get(name) ?? [];
  const notify = config.notify.filter(({ selects }) => selectsAll(selects, members));
  const isMeant = ruleMatcher(rules.join(','));
  const alike = [...new Set(members.flatMap((member) => member.rules))].filter(isMeant);
  const listeners = listenersOf({ smtp: config.smtp, notify, rule, recipients, muted, alike });
  return { rule, client: null, labels, listeners };
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
  const to = nameIfKind('mail', recipient);
  return canary !== null && to !== null && domainOf(to) === domainOf(canary.to);
}
