import type { UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { AlertMemory } from '../transition/alert-memory.ts';

/** The most rows of each kind that a dry run processes. They stay in memory: nothing marks them as processed. */
const dryRunRows = 50_000;

/** Returns a storage that keeps the changes of a pass in memory, on top of a storage that is only read. */
export function createDryRunStorage(storage: Storage): Storage {
  const { evaluation, notifications } = storage;
  const memory = new AlertMemory(-1);
  let isProcessed = false;
  return {
    ...storage,
    leases: {
      ...storage.leases,
      takeLease: (name, holder) => Promise.resolve({ name, epoch: 0, holder }),
      touchLease: () => Promise.resolve(),
      releaseLease: () => Promise.resolve(),
    },
    evaluation: {
      ...evaluation,
      unprocessed: async (): Promise<UnprocessedBatch> => {
        if (isProcessed) return { reports: [], visits: [], more: false, next: null };
        isProcessed = true;
        return { ...(await evaluation.unprocessed(dryRunRows)), next: null };
      },
      openAlerts: async (clients) => memory.openAlerts(clients, await evaluation.openAlerts(clients)),
      endedAlerts: async () =>
        memory
          .over(await evaluation.endedAlerts())
          .filter(({ state, closedOut }) => state === 'resolved' && !closedOut),
      ruleStates: async (clients) => memory.ruleStates(clients, await evaluation.ruleStates(clients)),
      saveProcessed: (_lease, processed) => {
        memory.save(processed);
        return Promise.resolve();
      },
    },
    notifications: {
      ...notifications,
      state: async (nowMs) => {
        const state = await notifications.state(nowMs);
        return { ...state, alerts: memory.over(state.alerts).filter((alert) => !alert.closedOut) };
      },
      saveNotifications: () => Promise.resolve('stored'),
      saveCauses: () => Promise.resolve(),
    },
  };
}
