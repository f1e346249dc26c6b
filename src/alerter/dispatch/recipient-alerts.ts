import type { LastNotified } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Known } from '../inhibit/difference.ts';
import type { Watch } from '../inhibit/recipients-of.ts';
import { compareText } from '../../text/compare-text.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import type { RecipientAlert, StoredAlert } from './news.ts';

/** An alert, and what config.xml says of it. */
export interface Watched {
  readonly alert: StoredAlert;
  readonly watch: Watch;
}

/** Those that are stored and not settled, in an order that is always the same. */
export function watchedAlerts({ alerts }: DispatchInput, watchOf: (alert: StoredAlert) => Watch): readonly Watched[] {
  const stored = alerts.filter((alert): alert is StoredAlert => alert.id !== null && !alert.closedOut);
  return stored
    .sort(
      (one, other) =>
        compareText(one.client, other.client) ||
        compareText(one.rule, other.rule) ||
        compareText(one.subject, other.subject) ||
        one.id - other.id,
    )
    .map((alert) => ({ alert, watch: watchOf(alert) }));
}

/** What concerns each: those whom config.xml names, and those who were told. */
export function alertsByRecipient(input: DispatchInput, watched: readonly Watched[]): ReadonlyMap<string, readonly RecipientAlert[]> {
  const notificationsOf = groupBy(input.told, ({ alertId }) => alertId);
  const matters = new Map<string, RecipientAlert[]>();
  const add = (recipient: string, matter: RecipientAlert): void => {
    const own = matters.get(recipient);
    if (own === undefined) matters.set(recipient, [matter]);
    else own.push(matter);
  };
  for (const { alert, watch } of watched) {
    if (alert.state === 'pending') continue;
    const told = notificationsOf.get(alert.id) ?? [];
    for (const listener of watch.listeners.values()) {
      const known = told.find(({ recipient }) => recipient === listener.recipient) ?? null;
      add(listener.recipient, { alert, watch, listener, told: known === null ? null : knownOf(known) });
    }
    for (const known of told) {
      if (watch.listeners.has(known.recipient)) continue;
      add(known.recipient, { alert, watch, listener: null, told: knownOf(known) });
    }
  }
  return matters;
}

/** What a stored row says that somebody knows. */
export function knownOf({ state, severity, sequence, notifiedAtMs }: LastNotified): Known {
  return { state, severity, sequence, notifiedAtMs };
}
