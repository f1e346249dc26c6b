import type { AlertStore } from '../../storage/store/storage.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';

/** What judging a client begins with. */
export interface ClientState {
  /** null: nothing of the client was ever judged. */
  readonly memory: RuleState | null;
  /** Open ones. */
  readonly alerts: readonly Alert[];
}

/** By name, what a round came to; null: it is known once the round is stored, for a new alert gets its id then. */
export type StatesAfter = ReadonlyMap<string, ClientState | null>;

/** What is known of clients: what the last round left, although it may not be stored yet, else what is stored. */
export interface ClientStates {
  of(names: readonly string[]): Promise<ReadonlyMap<string, ClientState>>;
  /** A round is over; `stored`: once it is in the database. */
  follow(after: StatesAfter, stored: Promise<unknown>): void;
}

const unknown: ClientState = { memory: null, alerts: [] };

/** Only the lease's holder stores what these are, so they need not be read again while it judges. */
export function openClientStates(store: Pick<AlertStore, 'ruleStates' | 'openAlerts'>): ClientStates {
  let after: StatesAfter = new Map();
  let stored: Promise<unknown> = Promise.resolve();
  return {
    of: async (names) => {
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
    follow: (newAfter, newStored) => {
      after = newAfter;
      stored = newStored;
    },
  };
}

/** The state of a client after its judgement, see StatesAfter. */
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
