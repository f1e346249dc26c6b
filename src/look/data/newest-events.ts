import { least } from '../../platform/group-by.ts';
import { clientScope, eventRules, sendersOf, silentAfterMs } from '../../alerter/evaluate/event-samples.ts';
import type { Config } from '../../config/config.ts';
import type { PageEvent } from '../page/live/events-view.ts';
import type { NewestEvent } from '../../storage/store/event-store.ts';

const order = ['silent', 'CRIT', 'WARN', 'UNKNOWN', 'OK'] as const;

/** Returns the newest event of each service for a page: silent services and faults first, then by host and service. */
export function pageEvents(config: Config, newest: readonly NewestEvent[], nowMs: number): readonly PageEvent[] {
  const active = config.clients.filter(({ state, rules }) => state === 'active' && eventRules(rules).length > 0);
  const senders = sendersOf(config);
  const scopeOf = new Map(active.map((client) => [client.name, clientScope(client)]));
  const clients = new Set(config.clients.map(({ name }) => name));
  const rows = newest.map((event): PageEvent => {
    const own = scopeOf.get(event.host);
    const ages = [senders, ...(own === undefined ? [] : [own])].flatMap((scope) => silentAfterMs(scope, event) ?? []);
    const silentAtMs = ages.length === 0 ? null : event.receivedAtMs + least(ages);
    return {
      ...event,
      client: clients.has(event.host) ? event.host : null,
      silentAtMs,
      isSilent: silentAtMs !== null && nowMs > silentAtMs,
    };
  });
  const rank = ({ isSilent, status }: PageEvent): number => order.indexOf(isSilent ? 'silent' : status);
  const key = ({ host, service, instance }: PageEvent): string => [host, service, instance].join('\0');
  const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
  return rows.sort((one, other) => rank(one) - rank(other) || compare(key(one), key(other)));
}
