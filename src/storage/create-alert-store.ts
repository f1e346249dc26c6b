import { createEvaluationStore } from './alerts/evaluation.ts';
import { createFleetStore } from './alerts/fleet.ts';
import { createLeaseStore } from './alerts/lease.ts';
import { createNotificationStore } from './alerts/notifications.ts';
import { createOperatorStore } from './alerts/operator.ts';
import { createOutboxStore } from './alerts/outbox.ts';
import { createUndeliveredStore } from './alerts/undelivered.ts';
import { createAlertHistory } from './queries/alert-history.ts';
import type { Database } from './sql/database.ts';
import type { AlertStore } from './store/storage.ts';

export function createAlertStore(database: Database): AlertStore {
  return {
    ...createLeaseStore(database),
    ...createEvaluationStore(database),
    ...createFleetStore(database),
    ...createNotificationStore(database),
    ...createOutboxStore(database),
    ...createUndeliveredStore(database),
    ...createOperatorStore(database),
    ...createAlertHistory(database),
  };
}
