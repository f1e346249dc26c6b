import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { minuteMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { EventStore } from '../../storage/store/event-store.ts';
import { clientScope, eventRules, sampleEvents, sendersOf } from '../evaluate/event-samples.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { stepWithoutRow } from '../transition/subjects.ts';

export interface EvaluateEventsOptions {
  readonly config: Config;
  readonly events: Pick<EventStore, 'newestEvents'>;
  /** Returns all open alerts. */
  readonly openAlerts: () => Promise<readonly Alert[]>;
  readonly nowMs: number;
  /** False if the database was unreachable lately: events that end a silence may still wait to be stored. */
  readonly mayMiss: boolean;
}

/** Moves alerts by the newest event of each service. Returns new (id `null`) and changed alerts. */
export async function evaluateEvents({
  config,
  events,
  openAlerts,
  nowMs,
  mayMiss,
}: EvaluateEventsOptions): Promise<readonly Alert[]> {
  const clients = config.clients.filter(({ state }) => state === 'active');
  const scopes = [sendersOf(config), ...clients.map(clientScope)].filter(({ rules }) => eventRules(rules).length > 0);
  if (scopes.length === 0) return [];
  const newest = await events.newestEvents();
  const alertsOf = groupBy(await openAlerts(), ({ client }) => client);
  return scopes.flatMap((scope) => {
    const { about, name, rules } = scope;
    const own = eventRules(rules);
    const alerts = (alertsOf.get(name) ?? []).filter(({ rule }) => findRule(own, rule) !== null);
    return stepWithoutRow({
      about,
      client: name,
      rules: own,
      alerts,
      everyMs: Math.max(minuteMs, config.collector.everyMs),
      source: 'events',
      nowMs,
      samples: sampleEvents(scope, newest, { nowMs, mayMiss }),
      complete: own.map(({ name: rule }) => rule),
    });
  });
}
