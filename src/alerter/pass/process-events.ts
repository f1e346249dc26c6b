import type { EventStore } from '../../storage/store/event-store.ts';
import { judgeEvents } from '../absence/judge-events.ts';
import type { Pass } from './pass.ts';

/** Judges the newest events by the rules of events, and stores what follows. */
export async function processEvents({ config, store, lease, nowMs }: Pass, events: EventStore): Promise<void> {
  const judge = () => judgeEvents({ config, events, openAlerts: () => store.openAlerts(null), nowMs });
  let alerts = await judge();
  if (alerts.length === 0) return;
  if (!lease.isHeld()) {
    await lease.take();
    alerts = await judge();
    if (alerts.length === 0) return;
  }
  await store.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}
