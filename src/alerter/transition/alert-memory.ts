import type { Alert, RuleState } from '../../storage/store/alert.ts';
import type { ProcessedRows } from '../../storage/store/evaluation-store.ts';

/** The alerts and rule states that passes would store, in memory. */
export class AlertMemory {
  /** New and changed alerts by id. */
  readonly alerts = new Map<number, Alert>();
  readonly #ruleStates = new Map<string, RuleState>();
  readonly #idStep: 1 | -1;
  #lastId = 0;

  /** Opens an empty memory. An `idStep` of -1 gives new alerts ids below the stored ones. */
  constructor(idStep: 1 | -1) {
    this.#idStep = idStep;
  }

  /** Keeps alerts and rule states. Returns the alerts that have begun to fire. */
  save({ alerts, ruleStates }: Pick<ProcessedRows, 'alerts' | 'ruleStates'>): readonly Alert[] {
    for (const [client, state] of ruleStates) this.#ruleStates.set(client, state);
    return alerts.flatMap((changed) => {
      const id = changed.id ?? (this.#lastId += this.#idStep);
      const wasFiring = (this.alerts.get(id)?.firingSinceMs ?? null) !== null;
      const alert = { ...changed, id };
      this.alerts.set(id, alert);
      return wasFiring || alert.firingSinceMs === null ? [] : [alert];
    });
  }

  /** Returns the open alerts of the clients (all for `null`), including the stored ones that have not changed. */
  openAlerts(clients: readonly string[] | null, stored: readonly Alert[] = []): readonly Alert[] {
    const names = clients === null ? null : new Set(clients);
    return this.over(stored).filter(({ state, client }) => state !== 'resolved' && names?.has(client) !== false);
  }

  /** Returns the alerts in memory, and stored ones that have not changed. */
  over(stored: readonly Alert[]): readonly Alert[] {
    return [...stored.filter(({ id }) => id === null || !this.alerts.has(id)), ...this.alerts.values()];
  }

  ruleStates(
    clients: readonly string[],
    stored: ReadonlyMap<string, RuleState> = new Map(),
  ): ReadonlyMap<string, RuleState> {
    return new Map(
      clients.flatMap((client) => {
        const state = this.#ruleStates.get(client) ?? stored.get(client);
        return state === undefined ? [] : [[client, state] as const];
      }),
    );
  }
}
