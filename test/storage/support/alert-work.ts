import type { ProcessedRows } from '../../../src/storage/store/evaluation-store.ts';
import type { NewNotifications } from '../../../src/storage/store/notification-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert, mail, memory, stored, lastNotified } from './alert-samples.ts';

/** Returns all unprocessed rows as processed, with a new sequence for all open alerts, and with one new alert. */
export async function allProcessed(storage: Storage): Promise<ProcessedRows> {
  const { reports, visits } = await storage.evaluation.unprocessed(1000);
  const open = await storage.evaluation.openAlerts(null);
  const next = alert({ subject: `/${reports[0]?.id ?? 0}` });
  return {
    statIds: reports.map(({ id }) => id),
    visitIds: visits.map(({ id }) => id),
    alerts: [...open.map((one) => ({ ...one, sequence: one.sequence + 1 })), next],
    ruleStates: new Map([['web-1', memory({ rows: reports[0]?.id ?? 0 })]]),
  };
}

/** Returns a change of every kind. It replaces the mails `replaces`, and closes out the alert with the id 1. */
export function plan(name: string, replaces: readonly number[] = []): NewNotifications {
  return {
    mails: [mail({ messageId: `<${name}>`, notifications: [stored()], replaces })],
    notified: [lastNotified({ recipient: name })],
    closedOut: [1],
  };
}
