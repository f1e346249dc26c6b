import type { Config } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { findRule } from '../evaluate/find-rule.ts';

/**
 * Returns a function that is true if an alert's rule is in force for its client, which is not retired. Alerts under a
 * client's former name count as watched until storage has moved its rows.
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
