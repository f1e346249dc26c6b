import type { Config } from '../../config/config.ts';
import type { ProcessedRows } from '../../storage/store/evaluation-store.ts';
import type { SeenClient } from '../../storage/store/fleet-store.ts';
import type { AlerterState } from '../../storage/store/notification-store.ts';
import type { Silence } from '../../storage/store/operator-store.ts';
import type { RecipientHistory } from '../../storage/store/outbox-store.ts';
import type { RuleState, Alert, LastNotified } from '../../storage/store/alert.ts';
import type { DueMail, NotificationPlan } from '../dispatch/notification-plan.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** The state that passes would store, in memory. Every mail counts as sent at once. */
export interface ReplayState {
  readonly openAlerts: (clients: readonly string[] | null) => readonly Alert[];
  readonly ruleStates: (clients: readonly string[]) => ReadonlyMap<string, RuleState>;
  /** Returns the alerts that have begun to fire. */
  readonly saveProcessed: (processed: Pick<ProcessedRows, 'alerts' | 'ruleStates'>) => readonly Alert[];
  readonly at: (nowMs: number) => AlerterState;
  readonly saveNotifications: (plan: NotificationPlan, nowMs: number) => void;
}

export function createReplayState(silences: readonly Silence[]): ReplayState {
  /** Open alerts, and resolved alerts that are not closed out. */
  const alerts = new Map<number, Alert>();
  const openOf = new Map<string, Set<number>>();
  const lastNotified = new Map<number, Map<string, LastNotified>>();
  const remembered = new Map<string, RuleState>();
  const histories = new Map<string, RecipientHistory>();
  let nextId = 1;

  const put = (changed: Alert): Alert | null => {
    const id = changed.id ?? nextId++;
    const wasFiring = alerts.get(id)?.firingSinceMs ?? null;
    const alert = { ...changed, id };
    alerts.set(id, alert);
    const open = openOf.get(alert.client) ?? new Set();
    openOf.set(alert.client, open);
    if (alert.state === 'resolved') open.delete(id);
    else open.add(id);
    return wasFiring === null && alert.firingSinceMs !== null ? alert : null;
  };
  const find = (ids: Iterable<number>): readonly Alert[] => [...ids].flatMap((id) => alerts.get(id) ?? []);

  return {
    openAlerts: (clients) => (clients ?? [...openOf.keys()]).flatMap((client) => find(openOf.get(client) ?? [])),
    ruleStates: (clients) =>
      new Map(
        clients.flatMap((client) => {
          const memory = remembered.get(client);
          return memory === undefined ? [] : [[client, memory] as const];
        }),
      ),
    saveProcessed: ({ alerts: changed, ruleStates }) => {
      for (const [client, memory] of ruleStates) remembered.set(client, memory);
      return changed.flatMap((alert) => put(alert) ?? []);
    },
    at: (nowMs) => ({
      alerts: [...alerts.values()],
      notified: [...lastNotified.values()].flatMap((byRecipient) => [...byRecipient.values()]),
      silences: silences.filter(({ endsAtMs }) => endsAtMs > nowMs),
      endedSilences: silences.filter(({ endsAtMs }) => endsAtMs <= nowMs && endsAtMs > nowMs - dayMs),
      histories: [...histories.values()],
      waiting: [],
    }),
    saveNotifications: ({ mails, notified: changed, closedOut }, nowMs) => {
      for (const one of changed) {
        const known = lastNotified.get(one.alertId) ?? new Map<string, LastNotified>();
        lastNotified.set(one.alertId, known.set(one.recipient, one));
      }
      for (const mail of mails) {
        histories.set(mail.recipient, historyAfter(histories.get(mail.recipient) ?? null, mail, nowMs));
      }
      for (const id of closedOut) {
        alerts.delete(id);
        lastNotified.delete(id);
      }
    },
  };
}

function historyAfter(before: RecipientHistory | null, mail: DueMail, nowMs: number): RecipientHistory {
  const recent = (before?.createdAtMs ?? []).filter((atMs) => atMs > nowMs - hourMs);
  return {
    recipient: mail.recipient,
    createdAtMs: [...recent, nowMs],
    lastOrdinaryAtMs: mail.ordinary ? nowMs : (before?.lastOrdinaryAtMs ?? null),
  };
}

/** The times at which clients were last seen, as rows go by. */
export interface SeenClients {
  readonly note: (rows: {
    readonly reports: readonly { readonly client: string; readonly observedAtMs: number }[];
    readonly visits: readonly { readonly client: string; readonly startedAtMs: number }[];
  }) => void;
  readonly at: (nowMs: number) => readonly SeenClient[];
}

/** Follows the clients of config.xml. Clients that were known before count as seen when the replay begins. */
export function followClients(stored: readonly SeenClient[], sinceMs: number, { clients }: Config): SeenClients {
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
    note: ({ reports, visits }) => {
      for (const { client, observedAtMs } of reports) update(client, { lastReportAtMs: observedAtMs });
      for (const { client, startedAtMs } of visits) update(client, { lastVisitAtMs: startedAtMs });
    },
    at: (nowMs) => [...seen.values()].filter(({ firstSeenMs }) => firstSeenMs <= nowMs),
  };
}
