import type { UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import { AlertMemory } from '../transition/alert-memory.ts';
import type { PassStore } from './pass.ts';

/** The most rows of each kind that a dry run processes. They stay in memory: nothing marks them as processed. */
const dryRunRows = 50_000;

/** Returns a store that keeps the changes of a pass in memory, on top of a store that is only read. */
export function createDryRunStore(store: AlertStore): PassStore {
  const memory = new AlertMemory(-1);
  let isProcessed = false;
  return {
    ...store,
    takeLease: (name, holder) => Promise.resolve({ name, epoch: 0, holder }),
    releaseLease: () => Promise.resolve(),
    unprocessed: async (): Promise<UnprocessedBatch> => {
      if (isProcessed) return { reports: [], visits: [], more: false, next: null };
      isProcessed = true;
      return { ...(await store.unprocessed(dryRunRows)), next: null };
    },
    openAlerts: async (clients) => memory.openAlerts(clients, await store.openAlerts(clients)),
    ruleStates: async (clients) => memory.ruleStates(clients, await store.ruleStates(clients)),
    saveProcessed: (_lease, processed) => {
      memory.save(processed);
      return Promise.resolve();
    },
    state: async (nowMs): Promise<AlerterState> => {
      const state = await store.state(nowMs);
      return { ...state, alerts: memory.over(state.alerts).filter((alert) => !alert.closedOut) };
    },
    saveNotifications: () => Promise.resolve('stored'),
  };
}
