import type { Config } from '../../config/config.ts';
import type { SentNotification } from '../../storage/store/alert-history.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { recentRuns } from '../outliers/read-figures.ts';
import { turn } from '../../platform/deadline.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { readSites } from '../absence/cycles.ts';
import type { EvaluateFleetOptions } from '../absence/fleet-facts.ts';
import { concernedMembers, reportTimes } from '../inhibit/group-states.ts';
import { evaluateFleet } from '../absence/fleet-conditions.ts';
import { foreseeClients } from '../absence/foresee-clients.ts';
import { evaluateEvents } from '../absence/evaluate-events.ts';
import { evaluateOutliers } from '../absence/evaluate-outliers.ts';
import { processRows } from '../transition/process-rows.ts';
import { readDispatchInput } from '../dispatch/read-dispatch-input.ts';
import { openRuns, passTimes, runsMs } from './replay-clock.ts';
import { differenceToSent, type ReplayDifference } from './replay-difference.ts';
import { followEvents } from './replay-events.ts';
import { followFigures } from './replay-figures.ts';
import { followLevels } from './replay-levels.ts';
import { openReplayRows } from './replay-rows.ts';
import { followClients, ReplayState } from './replay-state.ts';
import { planNotifications } from '../dispatch/plan-notifications.ts';
import type { DueMail, PendingNotification } from '../dispatch/notification-plan.ts';

export interface ReplayOptions {
  readonly config: Config;
  readonly storage: Pick<Storage, 'alertHistory' | 'evaluation' | 'events' | 'fleet' | 'levels' | 'operator'>;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The only clients whose rows are replayed; `config` has no others. Default: all. */
  readonly clients?: readonly string[] | null;
  readonly signal: AbortSignal;
  /** Reports the completed share, from 0 to 1. */
  readonly observe: (share: number) => void;
}

/** A mail is `alreadyTrue` if its alerts held before the replay began: they may have been notified earlier. */
export interface ReplayedMail extends Pick<DueMail, 'recipient' | 'severity' | 'alreadyTrue'> {
  readonly atMs: number;
  readonly items: readonly ReplayedItem[];
}

export type ReplayedItem = Pick<
  PendingNotification,
  'about' | 'client' | 'rule' | 'subject' | 'transition' | 'severity'
> &
  Pick<Alert, 'valueText'>;

/** The number of times that a rule would have fired for a client. */
export interface ReplayedCount extends Pick<Alert, 'about' | 'client' | 'rule'> {
  readonly fired: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** An alert that would have fired. */
export interface ReplayedAlert extends Pick<Alert, 'client' | 'rule' | 'subject' | 'severity'> {
  readonly beginMs: number;
  /** null if it fires at the end of the replay. */
  readonly endMs: number | null;
}

export interface ReplayResult {
  readonly passes: number;
  readonly reports: number;
  readonly visits: number;
  /** The time of the oldest row; `null` if there is none. */
  readonly firstRowMs: number | null;
  readonly mails: readonly ReplayedMail[];
  /** In the order in which they fired. */
  readonly alerts: readonly ReplayedAlert[];
  /** The most frequent first. */
  readonly counts: readonly ReplayedCount[];
  readonly difference: ReplayDifference;
}

/**
 * Evaluates stored rows by the rules of a configuration, and sends nothing. Assumes that a pass followed each run of
 * the collector, that each row arrived when it was observed, that each mail was sent at once, and that nobody
 * acknowledged anything. Silences are the stored ones; windows and recipients are the configuration's. Nothing is known
 * from before `sinceMs` but figures by which outliers and forecasts are evaluated. Changes nothing. Keeps one page of
 * rows in memory.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { config, storage, sinceMs, untilMs, clients = null, signal, observe } = options;
  const { everyMs } = config.collector;
  const runs = await storage.fleet.runs('collect', sinceMs - runsMs);
  const runsAt = openRuns(runs);
  const state = new ReplayState(await storage.operator.silences(sinceMs));
  const sites = await readSites(config, storage.fleet);
  const seen = followClients(await storage.fleet.seenClients(), sinceMs, config);
  const figures = followFigures(config, storage.evaluation);
  const levels = followLevels(config, storage);
  const alertsOfEvents = openEventEvaluation(options, state);
  const alertsOfTheHour = openHourlyEvaluation(options, state, figures, levels);
  await noteBefore(options, figures, levels);
  const rowsUntil = openReplayRows(storage.alertHistory, sinceMs, clients);
  const evaluation = {
    ...storage.evaluation,
    openAlerts: (clients: readonly string[] | null) => Promise.resolve(state.openAlerts(clients)),
    ruleStates: (clients: readonly string[]) => Promise.resolve(state.ruleStates(clients)),
  };
  const notifications = { state: (nowMs: number) => Promise.resolve(state.at(nowMs)) };
  let firstRowMs = Infinity;
  const result = { passes: 0, reports: 0, visits: 0, mails: [] as ReplayedMail[] };
  const counts = new Map<string, ReplayedCount>();
  for (const nowMs of passTimes({ runs, sinceMs, untilMs, everyMs })) {
    await turn(signal);
    for await (const batch of rowsUntil(nowMs)) {
      seen.note(batch);
      await figures.note(batch);
      await levels.note(batch);
      const { reports, visits } = batch;
      firstRowMs = Math.min(firstRowMs, reports[0]?.observedAtMs ?? Infinity, visits[0]?.startedAtMs ?? Infinity);
      result.reports += reports.length;
      result.visits += visits.length;
      countFired(counts, state.save(await processRows({ config, store: evaluation, batch, nowMs })));
    }
    const recent = runsAt(nowMs);
    const fleet = { config, runs: recent, sites, nowMs, databaseUpSinceMs: sinceMs, ...groupFacts(config, state) };
    const alerts = evaluateFleet({ ...fleet, seenClients: seen.at(nowMs), alerts: state.openAlerts(null) });
    countFired(counts, state.save({ alerts, ruleStates: new Map() }));
    countFired(counts, state.save({ alerts: await alertsOfEvents(nowMs), ruleStates: new Map() }));
    countFired(counts, state.save({ alerts: await alertsOfTheHour(nowMs), ruleStates: new Map() }));
    const firstPass = result.passes === 0;
    const dispatched = { config, runs: recent, nowMs, firstPass, newRules: new Set<string>() };
    const input = await readDispatchInput({ ...dispatched, storage: { evaluation, notifications } });
    if (input.alerts.length > 0) {
      const plan = planNotifications(input);
      state.saveNotifications(plan, nowMs);
      for (const mail of plan.mails) result.mails.push(replayed(mail, nowMs));
    }
    result.passes += 1;
    observe((nowMs - sinceMs) / (untilMs - sinceMs));
  }
  return {
    ...result,
    alerts: replayedAlerts(state),
    firstRowMs: Number.isFinite(firstRowMs) ? firstRowMs : null,
    counts: [...counts.values()].sort((one, other) => other.fired - one.fired || one.firstMs - other.firstMs),
    difference: await differenceOf(options, result.mails),
  };
}

function replayedAlerts({ fired }: ReplayState): readonly ReplayedAlert[] {
  return [...fired.values()].map(
    ({ client, rule, subject, severity, pendingSinceMs: beginMs, resolvedAtMs: endMs }) => ({
      ...{ client, rule, subject, severity, beginMs, endMs },
    }),
  );
}

async function differenceOf(
  { config, storage, sinceMs, untilMs }: ReplayOptions,
  mails: readonly ReplayedMail[],
): Promise<ReplayDifference> {
  const was = (await storage.alertHistory.notifiedSince(sinceMs)).filter(({ notifiedAtMs }) => notifiedAtMs <= untilMs);
  const toleranceMs = config.alerts.groupIntervalMs + 2 * config.collector.everyMs;
  return differenceToSent(factsOf(mails), was, toleranceMs);
}

/** Returns what decides on groups that need some of their members. A pass follows the end of a run. */
function groupFacts(config: Config, state: ReplayState): Pick<EvaluateFleetOptions, 'ended' | 'reports'> {
  if (config.needs.length === 0) return {};
  const ended = state.endedAlerts();
  const members = concernedMembers(config, [...state.openAlerts(null), ...ended]);
  return { ended, reports: reportTimes(state.ruleStates(members)) };
}

/** Returns a function that evaluates the newest events of a pass. It returns no alerts without a rule of events. */
function openEventEvaluation(options: ReplayOptions, state: ReplayState): (nowMs: number) => Promise<readonly Alert[]> {
  const { config, storage } = options;
  const eventsAt = followEvents(config, storage.events, options);
  return async (nowMs) => {
    if (eventsAt === null) return [];
    const { newest, mayMiss } = await eventsAt(nowMs);
    const openAlerts = () => Promise.resolve(state.openAlerts(null));
    const events = { newestEvents: () => Promise.resolve(newest) };
    return evaluateEvents({ config, events, openAlerts, nowMs, mayMiss });
  };
}

/** Returns a function that evaluates forecasts and outliers. It returns no alerts within an hour of the last time. */
function openHourlyEvaluation(
  { config, signal }: ReplayOptions,
  state: ReplayState,
  figures: ReturnType<typeof followFigures>,
  levels: ReturnType<typeof followLevels>,
): (nowMs: number) => Promise<readonly Alert[]> {
  let evaluatedMs = -Infinity;
  return async (nowMs) => {
    const isDaily = Math.floor(nowMs / dayMs) !== Math.floor(evaluatedMs / dayMs);
    if (!isDaily && nowMs - evaluatedMs < hourMs) return [];
    evaluatedMs = nowMs;
    const evaluated = { config, alerts: state.openAlerts(null), nowMs };
    const foreseen = await foreseeClients({ ...evaluated, levels, todayMs: nowMs, isDaily, signal });
    const outlying = await evaluateOutliers({ ...evaluated, readGroups: figures.groupsAt(nowMs) });
    return [...foreseen.alerts, ...outlying];
  };
}

/** Reads figures from before the replay: those of its first day for forecasts, and the recent ones for outliers. */
async function noteBefore(
  { config, storage, sinceMs, clients = null, signal }: ReplayOptions,
  figures: ReturnType<typeof followFigures>,
  levels: ReturnType<typeof followLevels>,
): Promise<void> {
  const beginsMs = Math.min(
    levels.isForeseen ? Math.floor(sinceMs / dayMs) * dayMs : sinceMs,
    figures.isCompared ? sinceMs - recentRuns * config.collector.everyMs : sinceMs,
  );
  if (beginsMs === sinceMs) return;
  for await (const batch of openReplayRows(storage.alertHistory, beginsMs, clients)(sinceMs - 1)) {
    await turn(signal);
    await figures.note(batch);
    await levels.note(batch);
  }
}

function replayed({ recipient, severity, alreadyTrue, items }: DueMail, atMs: number): ReplayedMail {
  return {
    atMs,
    recipient,
    severity,
    alreadyTrue,
    items: items.map((item) => ({
      about: item.about,
      client: item.client,
      rule: item.rule,
      subject: item.subject,
      transition: item.transition,
      severity: item.severity,
      valueText: item.alert.valueText,
    })),
  };
}

/** Returns the notifications of mails. Omits alerts that held before the replay began: they were notified before. */
function factsOf(mails: readonly ReplayedMail[]): readonly SentNotification[] {
  return mails
    .filter(({ alreadyTrue }) => !alreadyTrue)
    .flatMap(({ recipient, atMs, items }) =>
      items.map(({ about, client, rule, subject, transition }) => ({
        about,
        client,
        rule,
        subject,
        transition,
        recipient,
        notifiedAtMs: atMs,
      })),
    );
}

/** Counts alerts that begin to fire. */
function countFired(counts: Map<string, ReplayedCount>, fired: readonly Alert[]): void {
  for (const { rule, about, client, firingSinceMs } of fired) {
    const atMs = firingSinceMs ?? 0;
    const name = `${rule}\0${client}`;
    const before = counts.get(name) ?? { rule, about, client, fired: 0, firstMs: atMs, lastMs: atMs };
    counts.set(name, { ...before, fired: before.fired + 1, lastMs: atMs });
  }
}
