import type { RuleState } from '../../storage/store/alert.ts';
import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import type { Lease } from '../../storage/store/lease-store.ts';

/** The name under which the rule state of the fleet is stored. */
export const fleet = '';

const nothingProcessed: RuleState = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 0, changes: {} };

/** Returns the rule state of the fleet. */
export async function readFleetMemory(store: Pick<EvaluationStore, 'ruleStates'>): Promise<RuleState> {
  return (await store.ruleStates([fleet])).get(fleet) ?? nothingProcessed;
}

/** Stores the rule state of the fleet, and nothing else. */
export async function saveFleetMemory(
  store: Pick<EvaluationStore, 'saveProcessed'>,
  held: Lease,
  memory: RuleState,
): Promise<void> {
  const ruleStates = new Map([[fleet, memory]]);
  await store.saveProcessed(held, { statIds: [], visitIds: [], alerts: [], ruleStates });
}
