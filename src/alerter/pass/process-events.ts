import type { EventStore } from '../../storage/store/event-store.ts';
import { mayMissRows } from '../absence/fleet-conditions.ts';
import { evaluateEvents } from '../absence/evaluate-events.ts';
import type { Pass } from './pass.ts';

/** Evaluates the newest events by the rules of events, and stores the alerts. */
export async function processEvents(pass: Pass, events: EventStore): Promise<void> {
  const { config, store, lease, nowMs } = pass;
  const mayMiss = mayMissRows(pass.runs, nowMs, config.collector.everyMs);
  const evaluate = () => evaluateEvents({ config, events, openAlerts: () => store.openAlerts(null), nowMs, mayMiss });
  let alerts = await evaluate();
  if (alerts.length === 0) return;
  if (!lease.isHeld()) {
    await lease.take();
    alerts = await evaluate();
    if (alerts.length === 0) return;
  }
  await store.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}
