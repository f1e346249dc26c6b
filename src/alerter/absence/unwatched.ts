import type { Config } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { findRule } from '../evaluate/find-rule.ts';

/**
 * Tells whether config.xml still watches what an alert is about: its rule is in force for its client, which is not
 * retired. Of a client that is renamed it does, until storage has moved the rows to the new name.
 */
export function isWatchedBy(config: Config): (alert: Pick<Alert, 'client' | 'rule'>) => boolean {
  const clients = new Map(config.clients.map((client) => [client.name, client]));
  const formerNames = new Set(config.clients.map(({ was }) => was));
  return ({ client: name, rule }) => {
    if (name === '') return findRule(config.alerts.rules, rule) !== null;
    const client = clients.get(name);
    if (client === undefined) return formerNames.has(name);
    return client.state !== 'retired' && findRule(client.rules, rule) !== null;
  };
}
