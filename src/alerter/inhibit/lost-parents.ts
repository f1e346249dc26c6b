import { groupBy, least } from '../../platform/group-by.ts';
import type { Client, Config } from '../../config/config.ts';
import { parentsOf, type Parent } from '../../config/clients/parents.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import { remembered } from '../../platform/remembered.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { isReturning } from './difference.ts';

/** A parent that is away, and with it the clients that need it. */
export interface LostParent extends Parent {
  /** The number of clients of config.xml that need the parent. */
  readonly behind: number;
  /** The parent's own alerts, one for each of its machines; null if not all of them are clients that are away. */
  readonly alerts: readonly Alert[] | null;
  /** The time since which no client that needs the parent was reached; null if some were, or fewer than two fire. */
  readonly sinceMs: number | null;
}

/** The parents of clients that are away. */
export interface LostParents {
  /** The parents of a client that are away, the nearest to the collector first. */
  readonly lostFor: (client: string) => readonly LostParent[];
  /** Clients that need a parent and are away, in order. */
  readonly lostBehind: (parent: string) => readonly string[];
}

/** True if an alert says that a client is away. A client that is visited has `no-report` only if it was reached. */
export function saysAway({ rule }: Pick<Alert, 'rule'>, client: Pick<Client, 'arrival'> | null): boolean {
  return rule === 'unreachable' || (rule === 'no-report' && client?.arrival.kind === 'comes');
}

/**
 * Finds the lost parents: those whose own alert says that they are away, and those whose clients all cannot be reached,
 * at least two of which fire. Clients whose host key is in doubt do not count. A parent of `on` is not lost if it is a
 * client that was reached.
 */
export function openLostParents(config: Config, alerts: readonly Alert[]): LostParents {
  if (alerts.length === 0) return { lostFor: () => [], lostBehind: () => [] };
  const parents = parentsOf(config);
  const active = new Map(config.clients.flatMap((one) => (one.state === 'retired' ? [] : [[one.name, one]])));
  const isAway = (alert: Alert): boolean => saysAway(alert, active.get(alert.client) ?? null);
  const conditions = groupBy(
    alerts.filter((one) => one.state !== 'resolved' && (visitConditions.includes(one.rule) || isAway(one))),
    ({ client }) => client,
  );
  const open = (client: string): readonly Alert[] => conditions.get(client) ?? [];
  const bad = (client: string): readonly Alert[] => open(client).filter((alert) => !isReturning(alert));
  const firing = (some: readonly Alert[]): Alert | undefined =>
    some.find((alert) => alert.state === 'firing' && isAway(alert));
  const lostBehind = remembered((name: string) =>
    parents
      .clientsOn(name)
      .filter((client) => firing(bad(client)) !== undefined)
      .sort(),
  );
  const sinceMs = ({ name, names, isBastion }: Parent): number | null => {
    const members = [...parents.clientsOn(name), ...(isBastion ? [] : names.filter((one) => active.has(one)))];
    if (lostBehind(name).length < 2 || members.some((client) => bad(client).length === 0)) return null;
    const begins = members.map((client) => least(bad(client).map(({ pendingSinceMs }) => pendingSinceMs)));
    return begins.reduce((one, other) => Math.max(one, other));
  };
  const lost = remembered((name: string): LostParent | null => {
    const parent = parents.all.get(name);
    if (parent === undefined) return null;
    // A machine goes on being away until a second visit succeeds, unless it flaps: what it carries comes back later.
    const steady = (one: string): Alert | undefined =>
      firing(open(one).filter((alert) => !alert.flapping || !isReturning(alert)));
    const own = parent.names.map(steady);
    const found = {
      ...parent,
      behind: parents.clientsOn(name).length,
      alerts: own.every((alert) => alert !== undefined) ? own : null,
      sinceMs: sinceMs(parent),
    };
    return found.alerts === null && found.sinceMs === null ? null : found;
  });
  return { lostFor: (client) => parents.of(client).flatMap(({ name }) => lost(name) ?? []), lostBehind };
}
