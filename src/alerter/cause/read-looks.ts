import { dayMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** The most clients whose looks are read at once. */
const maxClients = 100;

/** Returns the looks at the clients that are unreachable, by client. Of many alerts the newest have theirs. */
export async function readLooks(
  { notifications }: Pick<Storage, 'notifications'>,
  alerts: readonly Alert[],
): Promise<ReadonlyMap<string, StoredLook>> {
  const newestFirst = alerts.filter(mayHaveLook).sort((one, other) => other.pendingSinceMs - one.pendingSinceMs);
  const asked = newestFirst.slice(0, maxClients).map(({ client, pendingSinceMs, firingSinceMs }) => ({
    client,
    fromMs: pendingSinceMs,
    // The look is of the visit at which the alert began to fire.
    untilMs: (firingSinceMs ?? pendingSinceMs) + dayMs,
  }));
  return asked.length === 0 ? new Map() : await notifications.looksOf(asked);
}

/** Returns the look at the client of an alert; null if there is none. */
export function lookAt(alert: Alert, looks: ReadonlyMap<string, StoredLook>): StoredLook | null {
  return mayHaveLook(alert) ? (looks.get(alert.client) ?? null) : null;
}

function mayHaveLook({ rule, state }: Alert): boolean {
  return rule === 'unreachable' && state === 'firing';
}
