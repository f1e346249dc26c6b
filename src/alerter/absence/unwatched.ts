import type { Client, Config } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';

/**
 * Tells whether config.xml still watches what an alert is about: its rule is in force for its client, which is not
 * retired. Of a client that is renamed it does, until storage has moved the rows to the new name.
 */
export function isWatchedBy(config: Config): (alert: Pick<Alert, 'client' | 'rule'>) => boolean {
  const clients = new Map(config.clients.map((client) => [client.name, client]));
  const formerNames = new Set(config.clients.map(({ was }) => was));
  const fleetRules = new Set(config.alerts.rules.map(({ name }) => name));
  const namesOf = createNames();
  return ({ client: name, rule }) => {
    if (name === '') return fleetRules.has(rule);
    const client = clients.get(name);
    if (client === undefined) return formerNames.has(name);
    return client.state !== 'retired' && namesOf(client.rules).has(rule);
  };
}

/** Clients share their lists of rules. */
function createNames(): (rules: Client['rules']) => ReadonlySet<string> {
  const made = new Map<Client['rules'], ReadonlySet<string>>();
  return (rules) => {
    const known = made.get(rules) ?? new Set(rules.map(({ name }) => name));
    made.set(rules, known);
    return known;
  };
}
