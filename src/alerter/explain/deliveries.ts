import type { Unsent } from '../../storage/store/outbox-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import type { LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';

/** The news of an alert that was composed for a recipient last, and what became of the mail. */
export interface Notified extends LastNotified {
  /** null: it was sent. */
  readonly unsent: Unsent | null;
}

/** Who was notified of these alerts, by alert and newest first. */
export async function notifiedOf(
  store: Pick<AlertStore, 'notificationsOf' | 'unsentOf'>,
  alertIds: readonly number[],
): Promise<ReadonlyMap<number, readonly Notified[]>> {
  const keyOf = ({ alertId, recipient }: Pick<LastNotified, 'alertId' | 'recipient'>): string =>
    `${alertId} ${recipient}`;
  const unsent = new Map((await store.unsentOf(alertIds)).map((one) => [keyOf(one), one]));
  const told = [...(await store.notificationsOf(alertIds))].sort((one, other) => other.notifiedAtMs - one.notifiedAtMs);
  const notified = told.map((one) => ({ ...one, unsent: unsent.get(keyOf(one)) ?? null }));
  return groupBy(notified, ({ alertId }) => alertId);
}
