import { durationInWords } from '../../text/durations.ts';
import { momentInWords, spanInWords, type TimeReader } from '../../text/time-words.ts';
import type { FactCell, FactTable } from '../page/page.ts';
import { lookAt, readLooks } from '../../alerter/cause/read-looks.ts';
import { type Notified, notifiedOf } from '../../alerter/explain/explain-alerts.ts';
import type { HoldReason } from '../../alerter/inhibit/hold-reason.ts';
import { isAcknowledged } from '../../alerter/inhibit/inhibition.ts';
import { easedWords } from '../../alerter/inhibit/easing.ts';
import { readEasing } from '../../alerter/inhibit/read-easing.ts';
import { openMutes } from '../../alerter/inhibit/mutes.ts';
import type { Config, Severity } from '../../config/config.ts';
import type { StoredLook } from '../../storage/store/notification-store.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** A mute that holds back an alert now: a silence with its id, or a window with null. */
interface Cover {
  readonly silence: number | null;
  readonly untilMs: number;
}

/** An alert with its notifications and mutes, for display. */
export interface AlertView {
  readonly alert: Alert;
  /** The notifications of the alert, newest first. */
  readonly notified: readonly Notified[];
  readonly acknowledged: boolean;
  readonly covers: readonly Cover[];
  /** Why a critical alert is told as a warning; null if it is not. */
  readonly eased: string | null;
  /** The look of clients beside an unreachable one; null if there is none. */
  readonly look: StoredLook | null;
}

/** Adds to each alert its notifications and the mutes that hold it back now. */
export async function viewAlerts(
  config: Config,
  storage: Pick<Storage, 'alertHistory' | 'evaluation' | 'fleet' | 'mails' | 'notifications' | 'operator'>,
  alerts: readonly Alert[],
  nowMs: number,
): Promise<readonly AlertView[]> {
  const notified = await notifiedOf(
    config,
    storage,
    alerts.flatMap(({ id }) => id ?? []),
  );
  const mutes = openMutes({ config, silences: await storage.operator.silences(nowMs) });
  const easedOf = await readEased(config, storage, nowMs);
  const looks = await readLooks(storage, alerts);
  return alerts.map((alert) => ({
    alert,
    notified: notified.get(alert.id ?? NaN) ?? [],
    acknowledged: alert.state !== 'resolved' && isAcknowledged(alert, nowMs),
    covers: alert.state === 'resolved' ? [] : mutes.reasonsAt(alert, nowMs).flatMap(coverOf),
    eased: easedOf(alert),
    look: lookAt(alert, looks),
  }));
}

/** Returns a function that says why a critical alert is told as a warning; null if it is not. */
export async function readEased(
  config: Config,
  storage: Pick<Storage, 'evaluation' | 'fleet'>,
  nowMs: number,
): Promise<(alert: Alert) => string | null> {
  const { standingOf } = await readEasing({ config, storage, nowMs, all: false });
  return (alert) => {
    const standing = alert.state === 'firing' ? standingOf(alert) : null;
    return standing?.kind === 'eased' ? easedWords(standing) : null;
  };
}

function coverOf(reason: HoldReason): readonly Cover[] {
  if (reason.kind === 'silence') return [{ silence: reason.id, untilMs: reason.untilMs }];
  return reason.kind === 'window' ? [{ silence: null, untilMs: reason.untilMs }] : [];
}

const severityRank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1 };

/** The ranks of alerts below those that fire and that nobody has acknowledged. */
const [acknowledgedRank, pendingRank, endedRank] = [2, 4, 5];

/**
 * Sorts alerts by their state at `atMs`: firing ones first, worst and then oldest first, groups before clients; then
 * those that somebody has acknowledged, likewise; then pending ones; then alerts that had ended, newest first.
 */
export function sortAlerts(alerts: readonly Alert[], atMs: number): readonly Alert[] {
  const rank = (alert: Alert): number => {
    const { firingSinceMs, resolvedAtMs, severity } = alert;
    if (resolvedAtMs !== null && resolvedAtMs <= atMs) return endedRank;
    if (firingSinceMs === null) return pendingRank;
    return severityRank[severity] + (isAcknowledged(alert, atMs) ? acknowledgedRank : 0);
  };
  return [...alerts].sort((one, other) => {
    const byRank = rank(one) - rank(other);
    if (byRank !== 0) return byRank;
    if (rank(one) === endedRank) return (other.resolvedAtMs ?? 0) - (one.resolvedAtMs ?? 0);
    const byGroup = Number(kindOf(other).carriesOthers) - Number(kindOf(one).carriesOthers);
    return byGroup || one.pendingSinceMs - other.pendingSinceMs || (one.id ?? 0) - (other.id ?? 0);
  });
}

/** Returns a table of alerts with their times and worst values. `beside`: the columns that tell them apart. */
export function pastAlerts(
  alerts: readonly Alert[],
  reader: TimeReader,
  { beside, ...head }: Pick<FactTable, 'id' | 'title' | 'about'> & { readonly beside: readonly ('Client' | 'Alert')[] },
): FactTable {
  return {
    ...head,
    columns: [...beside, 'When', 'For', 'Severity', 'Worst value'].map((title) => ({ title })),
    rows: alerts.map((alert) => {
      const { id, client, severity, firingSinceMs, pendingSinceMs, resolvedAtMs, valueText, progress } = alert;
      const { named: namedAs, followsRows } = kindOf(alert);
      const [about, ...label] = namedAs(alert);
      const link = (text: string): FactCell => ({ text, alert: id ?? 0 });
      const named = { Client: followsRows ? { client } : about, Alert: link(label.join(' ')) };
      const untilMs = resolvedAtMs ?? reader.nowMs;
      const when =
        resolvedAtMs === null
          ? `since ${momentInWords(reader, pendingSinceMs)}`
          : spanInWords(reader, pendingSinceMs, untilMs);
      return {
        cells: [
          ...beside.map((name) => named[name]),
          beside.includes('Alert') ? when : link(when),
          durationInWords(untilMs - pendingSinceMs),
          firingSinceMs === null ? 'never fired' : severity,
          progress.worst?.valueText ?? valueText,
        ],
      };
    }),
  };
}
