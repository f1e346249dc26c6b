import type { Config } from '../../config/config.ts';
import type { FleetError } from '../../platform/errors/errors.ts';
import type { NoticeAlert } from '../../notify/webhook/notice.ts';
import { postAlerts } from '../../notify/webhook/post-alerts.ts';
import { minuteMs } from '../../platform/units.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { Silence } from '../../storage/store/operator-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { readLooks } from '../cause/read-looks.ts';
import { besideFact, noticeAlertOf } from '../compose/compose-notice.ts';
import { pendingNotification } from '../dispatch/notification-plan.ts';
import { readEasing } from '../inhibit/read-easing.ts';
import { openMutes } from '../inhibit/mutes.ts';
import { createWatches } from '../inhibit/watches.ts';

/** The least pause between two passes: cron starts one every minute. */
const minPauseMs = minuteMs;
/** The last passes whose pauses count: a longer break of the alerter is no usual pause. */
const lastPasses = 10;
/** The most alerts that ended lately and are posted; further ones of a larger storm expire by themselves. */
const maxEnded = 20_000;

export interface PostStateOptions {
  readonly config: Config;
  readonly storage: Pick<Storage, 'evaluation' | 'alertHistory' | 'fleet' | 'notifications' | 'operator'>;
  /** Recent runs of the alerter, in any order. */
  readonly runs: readonly Pick<RunFact, 'program' | 'startedAtMs'>[];
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Posts the whole state to the Alertmanagers of config.xml: firing alerts that no silence, window or paused client
 * mutes, and the ends of alerts that have ended or are muted. Without another post Alertmanager ends firing alerts
 * after four usual pauses between passes, or after three times `every` if that is longer. Returns the faults.
 */
export async function postState({
  config,
  storage,
  runs,
  nowMs,
  signal,
}: PostStateOptions): Promise<readonly FleetError[]> {
  const { alertmanager } = config;
  if (alertmanager === null) return [];
  const validMs = Math.max(4 * pauseOf(runs, nowMs), 3 * config.collector.everyMs);
  const open = (await storage.evaluation.openAlerts(null)).filter(({ state }) => state === 'firing');
  const ended = (await storage.alertHistory.alertsOf({ openOnly: false, limit: maxEnded })).filter(
    ({ state, resolvedAtMs }) => state === 'resolved' && resolvedAtMs !== null && nowMs - resolvedAtMs <= validMs,
  );
  const isMuted = createMuteTest(config, await storage.operator.silences(nowMs), nowMs);
  const { stateOf, otherEasing } = await createStates({ config, storage, nowMs }, open);
  const fires = open.filter((alert) => !isMuted(alert));
  const keys = new Set(open.map(keyOf));
  const alerts = [
    ...fires.flatMap((alert) => [
      stateOf(alert),
      ...otherSeverity(alert, stateOf(alert), nowMs),
      ...otherEasing(alert),
    ]),
    ...open.filter(isMuted).flatMap((alert) => [{ ...stateOf(alert), endsAtMs: nowMs }, ...otherEasing(alert)]),
    ...ended
      .filter((alert) => !keys.has(keyOf(alert)))
      .flatMap((alert) => [overAt(stateOf(alert), nowMs), ...otherEasing(alert)]),
  ];
  return await postAlerts(alertmanager, alerts, { validUntilMs: nowMs + validMs, signal });
}

/** Returns functions that describe an alert as Alertmanager knows it, and as it was known with or without easing. */
async function createStates(
  { config, storage, nowMs }: Pick<PostStateOptions, 'config' | 'storage' | 'nowMs'>,
  open: readonly Alert[],
) {
  const watchOf = createWatches(config);
  const { groups, standingOf } = await readEasing({ config, storage, nowMs, all: false });
  const looks = await readLooks(storage, open);
  const reader = { zone: config.alerts.zone, nowMs };
  const lostOf = (alert: Alert): readonly Alert[] => {
    const group = kindOf(alert).carriesOthers
      ? groups.groups.find(({ need }) => need.name === alert.subject)
      : undefined;
    return group === undefined ? [] : groups.at(group, groups.presentOf(group, nowMs)).lost;
  };
  const plainStateOf = (alert: Alert): NoticeAlert => ({
    ...noticeAlertOf(
      pendingNotification(
        { alert: { ...alert, id: alert.id ?? 0 }, watch: watchOf(alert), known: null, listener: null },
        { transition: 'reminder' },
      ),
      nowMs,
      config,
    ),
    ...besideFact(alert, lostOf(alert), { looks, reader }),
  });
  const easedStateOf = (alert: Alert, group: string): NoticeAlert => {
    const state = plainStateOf(alert);
    return { ...state, labels: { ...state.labels, eased: group } };
  };
  const easedBy = (alert: Alert): string | null => {
    const standing = alert.state === 'firing' ? standingOf(alert) : null;
    return standing?.kind === 'eased' ? standing.state.group.need.name : null;
  };
  const stateOf = (alert: Alert): NoticeAlert => {
    const group = easedBy(alert);
    return group === null ? plainStateOf(alert) : easedStateOf(alert, group);
  };
  // For Alertmanager an alert with the label is another one than that without.
  const otherEasing = (alert: Alert): readonly NoticeAlert[] => {
    const group = groups.groupOf(alert)?.need.name;
    if (group === undefined) return [];
    const other = easedBy(alert) === null ? easedStateOf(alert, group) : plainStateOf(alert);
    return [{ ...other, endsAtMs: nowMs }];
  };
  return { stateOf, otherEasing };
}

/**
 * Returns the usual pause between passes: the lower median of the last pauses. Passes that find nothing to do have a
 * row only twice in each `every`, which three times `every` outlasts.
 */
export function pauseOf(runs: PostStateOptions['runs'], nowMs: number): number {
  const starts = runs.flatMap(({ program, startedAtMs }) =>
    program === 'alert' && startedAtMs < nowMs ? startedAtMs : [],
  );
  const times = [...new Set([...starts, nowMs])].sort((one, other) => one - other).slice(-lastPasses);
  const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
  pauses.sort((one, other) => one - other);
  return Math.max(minPauseMs, pauses[Math.floor((pauses.length - 1) / 2)] ?? 0);
}

/** Ends an alert at `nowMs` at the latest: Alertmanager regards it as firing until its end, and clocks may be ahead. */
function overAt(state: NoticeAlert, nowMs: number): NoticeAlert {
  return { ...state, endsAtMs: Math.min(state.endsAtMs ?? nowMs, nowMs) };
}

function keyOf({ client, rule, subject, severity }: Alert): string {
  return [client, rule, subject, severity].join('\0');
}

/** Ends the alert of the other severity, which is another alert for Alertmanager: the severity may have changed. */
function otherSeverity({ sequence }: Alert, state: NoticeAlert, nowMs: number): readonly NoticeAlert[] {
  if (sequence < 2) return [];
  return [{ ...state, severity: state.severity === 'critical' ? 'warning' : 'critical', endsAtMs: nowMs }];
}

function createMuteTest(config: Config, silences: readonly Silence[], nowMs: number): (alert: Alert) => boolean {
  const mutes = openMutes({ config, silences });
  const paused = new Set(config.clients.flatMap(({ name, state }) => (state === 'paused' ? [name] : [])));
  return (alert) => paused.has(alert.client) || mutes.reasonsAt(alert, nowMs).length > 0;
}
