import type { EventStore } from '../../storage/store/event-store.ts';
import { mayMissRows } from '../absence/fleet-conditions.ts';
import { judgeEvents } from '../absence/judge-events.ts';
import type { Pass } from './pass.ts';

/** Judges the newest events by the rules of events, and stores what follows. */
export async function processEvents(pass: Pass, events: EventStore): Promise<void> {
  const { config, store, lease, nowMs } = pass;
  const mayMiss = mayMissRows(pass.runs, nowMs, config.collector.everyMs);
  const judge = () => judgeEvents({ config, events, openAlerts: () => store.openAlerts(null), nowMs, mayMiss });
  let alerts = await judge();
  if (alerts.length === 0) return;
  if (!lease.isHeld()) {
    await lease.take();
    alerts = await judge();
    if (alerts.length === 0) return;
  }
  await store.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}
