import type { EventStore } from '../../storage/store/event-store.ts';
import { mayMissRows } from '../absence/fleet-conditions.ts';
import { evaluateEvents } from '../absence/evaluate-events.ts';
import type { Pass } from './pass.ts';
import { saveEvaluated } from './process-absence.ts';

/** Evaluates the newest events by the rules of events, and stores the alerts. */
export async function processEvents(pass: Pass, events: EventStore): Promise<void> {
  const { config, storage, nowMs } = pass;
  const mayMiss = mayMissRows(pass.runs, nowMs, config.collector.everyMs);
  const openAlerts = () => storage.evaluation.openAlerts(null);
  await saveEvaluated(pass, () => evaluateEvents({ config, events, openAlerts, nowMs, mayMiss }));
}
