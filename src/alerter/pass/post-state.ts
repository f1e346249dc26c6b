import type { Config } from '../../config/config.ts';
import type { FleetError } from '../../errors.ts';
import type { NoticeAlert } from '../../notify/webhook/notice.ts';
import { postAlerts } from '../../notify/webhook/post-alerts.ts';
import { minuteMs } from '../../platform/units.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import { noticeAlertOf } from '../compose/compose-notice.ts';
import { pendingNotification } from '../dispatch/notification-plan.ts';
import { openMutes } from '../inhibit/mutes.ts';
import { createWatches } from '../inhibit/recipients-of.ts';

/** The pause between two passes that cron makes. */
const pauseMs = minuteMs;
/** Alerts that ended of late; the rest of a larger storm end by themselves. */
const mostEnded = 20_000;

export interface PostStateOptions {
  readonly config: Config;
  readonly store: Pick<AlertStore, 'openAlerts' | 'alertsOf' | 'silences'>;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Posts the whole state to the Alertmanagers of config.xml: all that fires and is not muted by a silence, a window or a
 * paused client, and the end of what has ended or is muted. Without another post Alertmanager ends what fires after four
 * passes, or three visits where those are longer apart. Returns the faults.
 */
export async function postState({ config, store, nowMs, signal }: PostStateOptions): Promise<readonly FleetError[]> {
  const { alertmanager } = config;
  if (alertmanager === null) return [];
  const validMs = Math.max(4 * pauseMs, 3 * config.collector.everyMs);
  const open = (await store.openAlerts(null)).filter(({ state }) => state === 'firing');
  const ended = (await store.alertsOf({ openOnly: false, limit: mostEnded })).filter(
    ({ state, resolvedAtMs }) => state === 'resolved' && resolvedAtMs !== null && nowMs - resolvedAtMs <= validMs,
  );
  const isMuted = createMuteTest(config, await store.silences(nowMs), nowMs);
  const watchOf = createWatches(config);
  const stateOf = (alert: Alert): NoticeAlert =>
    noticeAlertOf(
      pendingNotification(
        { alert: { ...alert, id: alert.id ?? 0 }, watch: watchOf(alert), known: null, listener: null },
        { transition: 'reminder' },
      ),
      nowMs,
    );
  const fires = open.filter((alert) => !isMuted(alert));
  const keys = new Set(open.map(keyOf));
  const alerts = [
    ...fires.flatMap((alert) => [stateOf(alert), ...otherSeverity(alert, stateOf(alert), nowMs)]),
    ...open.filter(isMuted).map((alert) => ({ ...stateOf(alert), endsAtMs: nowMs })),
    ...ended.filter((alert) => !keys.has(keyOf(alert))).map(stateOf),
  ];
  return await postAlerts(alertmanager, alerts, { validUntilMs: nowMs + validMs, signal });
}

function keyOf({ client, rule, subject, severity }: Alert): string {
  return [client, rule, subject, severity].join('\0');
}

/** Ends the alert of the other severity, which is another one for Alertmanager: this one may have changed it. */
function otherSeverity({ sequence }: Alert, state: NoticeAlert, nowMs: number): readonly NoticeAlert[] {
  if (sequence < 2) return [];
  return [{ ...state, severity: state.severity === 'critical' ? 'warning' : 'critical', endsAtMs: nowMs }];
}

function createMuteTest(
  config: Config,
  silences: Awaited<ReturnType<AlertStore['silences']>>,
  nowMs: number,
): (alert: Alert) => boolean {
  const mutes = openMutes({ config, silences });
  const paused = new Set(config.clients.flatMap(({ name, state }) => (state === 'paused' ? [name] : [])));
  return (alert) => paused.has(alert.client) || mutes.reasonsAt(alert, nowMs).length > 0;
}
