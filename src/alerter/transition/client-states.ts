import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';

/** The stored state of a client before its rows are processed. */
export interface ClientState {
  /** `null` if no row of the client was ever processed. */
  readonly memory: RuleState | null;
  /** Open alerts. */
  readonly alerts: readonly Alert[];
}

/** The state of each client after a round; `null` until the round is stored, because new alerts get their ids then. */
export type StatesAfter = ReadonlyMap<string, ClientState | null>;

/** The states of clients: from the last round, which may not be stored yet, else from the store. */
export type ClientStates = ReturnType<typeof openClientStates>;

const unknown: ClientState = { memory: null, alerts: [] };

/** Opens the states. Only the lease's holder changes them, so they need not be read again during a pass. */
export function openClientStates(store: Pick<EvaluationStore, 'ruleStates' | 'openAlerts'>) {
  let after: StatesAfter = new Map();
  let stored: Promise<unknown> = Promise.resolve();
  return {
    of: async (names: readonly string[]): Promise<ReadonlyMap<string, ClientState>> => {
      const states = new Map<string, ClientState>();
      const asked: string[] = [];
      for (const name of names) {
        const state = after.get(name) ?? null;
        if (state === null) asked.push(name);
        else states.set(name, state);
      }
      if (asked.length === 0) return states;
      if (asked.some((name) => after.has(name))) await stored;
      for (const [name, memory] of await store.ruleStates(asked)) states.set(name, { memory, alerts: [] });
      for (const alert of await store.openAlerts(asked)) {
        const { memory, alerts } = states.get(alert.client) ?? unknown;
        states.set(alert.client, { memory, alerts: [...alerts, alert] });
      }
      return states;
    },
    /** Takes over the states after a round. `newStored` settles once the round is in the database. */
    follow: (newAfter: StatesAfter, newStored: Promise<unknown>): void => {
      after = newAfter;
      stored = newStored;
    },
  };
}

/** Returns the state of a client after its rows were processed, see StatesAfter. */
export function stateAfter(
  before: ClientState,
  { memory, alerts }: { readonly memory: RuleState; readonly alerts: readonly Alert[] },
): ClientState | null {
  const open = alerts.filter(({ state }) => state !== 'resolved');
  if (open.some(({ id }) => id === null)) return null;
  if (alerts.length === 0) return { memory, alerts: before.alerts };
  const changed = new Set(alerts.map(({ id }) => id));
  return { memory, alerts: [...before.alerts.filter(({ id }) => !changed.has(id)), ...open] };
}
