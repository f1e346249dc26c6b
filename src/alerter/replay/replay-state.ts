import type { Config } from '../../config/config.ts';
import type { SeenClient } from '../../storage/store/fleet-store.ts';
import type { ReplayPage } from '../../storage/store/alert-history.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';
import type { Silence } from '../../storage/store/operator-store.ts';
import type { RecipientHistory } from '../../storage/store/outbox-store.ts';
import type { Alert, LastNotified } from '../../storage/store/alert.ts';
import type { NotificationPlan } from '../dispatch/notification-plan.ts';
import { AlertMemory } from '../transition/alert-memory.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** The state that passes would store, in memory. Every mail counts as sent at once. Closed-out alerts are dropped. */
export class ReplayState extends AlertMemory {
  /** All alerts that have fired, by id, as they are or ended. */
  readonly fired = new Map<number, Alert>();
  readonly #silences: readonly Silence[];
  readonly #lastNotified = new Map<number, Map<string, LastNotified>>();
  readonly #histories = new Map<string, RecipientHistory>();

  constructor(silences: readonly Silence[]) {
    super(1);
    this.#silences = silences;
  }

  override save(processed: Parameters<AlertMemory['save']>[0]): readonly Alert[] {
    const fired = super.save(processed);
    for (const alert of [...fired, ...processed.alerts]) {
      if (alert.id !== null && alert.firingSinceMs !== null) this.fired.set(alert.id, alert);
    }
    for (const [id, { closedOut }] of this.alerts) if (closedOut) this.alerts.delete(id);
    return fired;
  }

  endedAlerts(): readonly Alert[] {
    return [...this.alerts.values()].filter(({ state }) => state === 'resolved');
  }

  at(nowMs: number): AlerterState {
    return {
      alerts: [...this.alerts.values()],
      notified: [...this.#lastNotified.values()].flatMap((byRecipient) => [...byRecipient.values()]),
      silences: this.#silences.filter(({ endsAtMs }) => endsAtMs > nowMs),
      endedSilences: this.#silences.filter(({ endsAtMs }) => endsAtMs <= nowMs && endsAtMs > nowMs - dayMs),
      histories: [...this.#histories.values()],
      waiting: [],
    };
  }

  saveNotifications({ mails, notified, closedOut }: NotificationPlan, nowMs: number): void {
    for (const one of notified) {
      const known = this.#lastNotified.get(one.alertId) ?? new Map<string, LastNotified>();
      this.#lastNotified.set(one.alertId, known.set(one.recipient, one));
    }
    for (const { recipient, ordinary } of mails) {
      const before = this.#histories.get(recipient);
      const recent = (before?.createdAtMs ?? []).filter((atMs) => atMs > nowMs - hourMs);
      const lastOrdinaryAtMs = ordinary ? nowMs : (before?.lastOrdinaryAtMs ?? null);
      this.#histories.set(recipient, { recipient, createdAtMs: [...recent, nowMs], lastOrdinaryAtMs });
    }
    for (const id of closedOut) {
      this.alerts.delete(id);
      this.#lastNotified.delete(id);
    }
  }
}

export type RowsUntil = Pick<ReplayPage, 'reports' | 'visits'>;

/**
 * Follows the times at which the clients of config.xml were last seen in replayed rows. Clients that were known before
 * count as seen when the replay begins.
 */
export function followClients(stored: readonly SeenClient[], sinceMs: number, { clients }: Config) {
  const names = new Set(clients.map(({ name }) => name));
  const seen = new Map(
    stored
      .filter(({ name }) => names.has(name))
      .map((client) => {
        const atMs = client.firstSeenMs < sinceMs ? sinceMs : null;
        return [client.name, { ...client, lastVisitAtMs: atMs, lastReportAtMs: atMs }] as const;
      }),
  );
  const update = (name: string, over: Partial<SeenClient>): void => {
    const client = seen.get(name);
    if (client !== undefined) seen.set(name, { ...client, ...over });
  };
  return {
    note: ({ reports, visits }: RowsUntil): void => {
      for (const { client, observedAtMs } of reports) update(client, { lastReportAtMs: observedAtMs });
      for (const { client, startedAtMs } of visits) update(client, { lastVisitAtMs: startedAtMs });
    },
    at: (nowMs: number): readonly SeenClient[] => [...seen.values()].filter(({ firstSeenMs }) => firstSeenMs <= nowMs),
  };
}
