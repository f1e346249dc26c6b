import { type Notified, notifiedOf } from '../../alerter/explain/explain-alerts.ts';
import type { HoldReason } from '../../alerter/inhibit/hold-reason.ts';
import { isAcknowledged } from '../../alerter/inhibit/inhibition.ts';
import { openMutes } from '../../alerter/inhibit/mutes.ts';
import type { Config, Severity } from '../../config/config.ts';
import { globMatcher, isGlob } from '../../config/values/globs.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../errors.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { AlertStore } from '../../storage/store/storage.ts';

/** A silence, with its id, or a window that holds back an alert now. */
export interface Cover {
  readonly silence: number | null;
  readonly untilMs: number;
}

/** An alert as people look at it. */
export interface AlertView {
  readonly alert: Alert;
  /** Newest first. */
  readonly notified: readonly Notified[];
  readonly acknowledged: boolean;
  readonly covers: readonly Cover[];
}

export interface ReadAlertsOptions {
  readonly config: Config;
  readonly alerts: AlertStore;
  readonly nowMs: number;
  /** A client's name or pattern; null: all. */
  readonly client: string | null;
  /** Ended ones too, as far back; null: open ones alone. */
  readonly closedSinceMs: number | null;
}

const maxClosed = 1000;

/**
 * Reads firing alerts, worst and then oldest first, then pending ones, then those that have ended, newest first. Throws
 * FleetError `usage` for a client that is neither in config.xml nor has an alert.
 */
export async function readAlerts(options: ReadAlertsOptions): Promise<readonly AlertView[]> {
  const { config, alerts: store, nowMs, closedSinceMs } = options;
  const open = await store.openAlerts(null);
  const closed =
    closedSinceMs === null
      ? []
      : (await store.alertsOf({ openOnly: false, limit: maxClosed })).filter(
          ({ state, resolvedAtMs }) => state === 'resolved' && (resolvedAtMs ?? 0) >= closedSinceMs,
        );
  const all = [...open, ...closed];
  const isWanted = options.client === null ? () => true : clientFilter(clientNames(config, all), options.client);
  const alerts = all.filter(({ client }) => isWanted(client)).sort(compareAlerts);
  const ids = alerts.flatMap(({ id }) => id ?? []);
  const notified = await notifiedOf(store, ids);
  const covers = openMutes({ config, silences: await store.silences(nowMs) });
  return alerts.map((alert) => ({
    alert,
    notified: notified.get(alert.id ?? NaN) ?? [],
    acknowledged: alert.state !== 'resolved' && isAcknowledged(alert, nowMs),
    covers: alert.state === 'resolved' ? [] : covers.reasonsAt(alert, nowMs).flatMap(coverOf),
  }));
}

function coverOf(reason: HoldReason): readonly Cover[] {
  if (reason.kind === 'silence') return [{ silence: reason.id, untilMs: reason.untilMs }];
  return reason.kind === 'window' ? [{ silence: null, untilMs: reason.untilMs }] : [];
}

/** The clients of config.xml, and those that have an alert. */
export function clientNames({ clients }: Config, alerts: readonly Alert[]): readonly string[] {
  return [...new Set([...clients.map(({ name }) => name), ...alerts.map(({ client }) => client)])];
}

/** Returns a test for the clients of a name or pattern. Throws FleetError `usage` if it fits none of the names. */
export function clientFilter(names: readonly string[], wanted: string, advice?: string): (client: string) => boolean {
  if (names.includes(wanted)) return (name) => name === wanted;
  const matches = globMatcher(wanted);
  if (names.some(matches)) return matches;
  const what = isGlob(wanted) ? `no client matches "${wanted}"` : `there is no client "${wanted}"`;
  throw usageError(`${what}${didYouMean(wanted, names)}`, advice);
}

const stateRank = { firing: 0, pending: 1, resolved: 2 } as const;
const severityRank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1 };

function compareAlerts(one: Alert, other: Alert): number {
  const byState = stateRank[one.state] - stateRank[other.state];
  if (byState !== 0) return byState;
  if (one.state === 'resolved') return (other.resolvedAtMs ?? 0) - (one.resolvedAtMs ?? 0);
  const bySeverity = severityRank[one.severity] - severityRank[other.severity];
  return bySeverity || sinceMs(one) - sinceMs(other) || (one.id ?? 0) - (other.id ?? 0);
}

/** Returns when an alert began to fire, or to be pending. */
export function sinceMs({ firingSinceMs, pendingSinceMs }: Alert): number {
  return firingSinceMs ?? pendingSinceMs;
}
