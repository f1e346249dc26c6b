import type { ProcessedRows, UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import type { PassStore } from './pass.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';

/** Rows of each kind that a dry run processes. They are held in memory, for nothing marks them as processed. */
const dryRunRows = 50_000;

/** Returns a store that keeps in memory what a pass would store, over one that is only read. */
export function createDryRunStore(store: AlertStore): PassStore {
  const alerts = new Map<number, Alert>();
  const ruleStates = new Map<string, RuleState>();
  let nextId = -1;
  let judged = false;

  const overlay = (stored: readonly Alert[], isWanted: (alert: Alert) => boolean): readonly Alert[] => {
    const unchanged = stored.filter(({ id }) => id === null || !alerts.has(id));
    return [...unchanged, ...alerts.values()].filter(isWanted);
  };
  const isOpen = ({ state }: Alert): boolean => state !== 'resolved';

  return {
    ...store,
    takeLease: (name, holder) => Promise.resolve({ name, epoch: 0, holder }),
    releaseLease: () => Promise.resolve(),
    unprocessed: async (): Promise<UnprocessedBatch> => {
      if (judged) return { reports: [], visits: [], more: false, next: null };
      judged = true;
      return { ...(await store.unprocessed(dryRunRows)), next: null };
    },
    openAlerts: async (clients) =>
      overlay(
        await store.openAlerts(clients),
        (alert) => isOpen(alert) && (clients === null || clients.includes(alert.client)),
      ),
    ruleStates: async (clients) => {
      const stored = new Map(await store.ruleStates(clients));
      for (const client of clients) {
        const memory = ruleStates.get(client);
        if (memory !== undefined) stored.set(client, memory);
      }
      return stored;
    },
    saveProcessed: (_lease, { alerts: changed, ruleStates: remembered }: ProcessedRows) => {
      for (const alert of changed) {
        // Numbers of their own, below those that are stored.
        const id = alert.id ?? nextId--;
        alerts.set(id, { ...alert, id });
      }
      for (const [client, memory] of remembered) ruleStates.set(client, memory);
      return Promise.resolve();
    },
    state: async (nowMs): Promise<AlerterState> => {
      const state = await store.state(nowMs);
      return { ...state, alerts: overlay(state.alerts, (alert) => isOpen(alert) || !alert.closedOut) };
    },
    saveNotifications: () => Promise.resolve('stored'),
  };
}
