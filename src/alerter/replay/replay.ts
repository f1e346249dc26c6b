import type { Config, Severity } from '../../config/config.ts';
import type { SentNotification } from '../../storage/store/alert-history.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import type { Alert, Transition } from '../../storage/store/alert.ts';
import { evaluateFleet } from '../absence/fleet-conditions.ts';
import { processRows } from '../transition/process-rows.ts';
import { readDispatchInput } from '../dispatch/read-dispatch-input.ts';
import { passTimes, runsAt } from './replay-clock.ts';
import { differenceToTold, type ReplayDifference } from './replay-difference.ts';
import { openReplayRows, type RowsUntil } from './replay-rows.ts';
import { createReplayState, followClients } from './replay-state.ts';
import { planNotifications } from '../dispatch/plan-notifications.ts';
import type { DueMail } from '../dispatch/notification-plan.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { dayMs } from '../../platform/units.ts';

export interface ReplayOptions {
  readonly config: Config;
  readonly store: Pick<
    AlertStore,
    'replay' | 'disksOf' | 'networksOf' | 'reportsOf' | 'runs' | 'seenClients' | 'silences' | 'notifiedSince'
  >;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly signal: AbortSignal;
  /** Reports the share that is done, from 0 to 1. */
  readonly observe: (share: number) => void;
}

export interface ReplayedMail {
  readonly atMs: number;
  readonly recipient: string;
  readonly severity: Severity;
  /** True if the alerts held before the replay began: they may have been notified earlier. */
  readonly alreadyTrue: boolean;
  readonly items: readonly ReplayedItem[];
}

export interface ReplayedItem {
  readonly client: string;
  readonly rule: string;
  readonly subject: string;
  readonly transition: Transition;
  readonly severity: Severity;
  readonly valueText: string;
}

/** The number of times that a rule would have fired for a client. */
export interface ReplayedCount {
  readonly rule: string;
  readonly client: string;
  readonly fired: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface ReplayResult {
  readonly passes: number;
  readonly reports: number;
  readonly visits: number;
  /** The time of the oldest row; `null` if there is none. */
  readonly firstRowMs: number | null;
  readonly mails: readonly ReplayedMail[];
  /** Most often first. */
  readonly counts: readonly ReplayedCount[];
  readonly difference: ReplayDifference;
}

const runsMs = dayMs;

/**
 * Evaluates stored rows by the rules of a configuration, and sends nothing. It assumes that a pass followed each run
 * of the collector, that each row came when it was observed, that each mail was sent at once, and that nobody
 * acknowledged anything. Silences count as they were; windows and recipients are the configuration's. Nothing is known
 * from before `sinceMs`. Changes nothing. One page of rows is in memory.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { config, store, sinceMs, untilMs, signal, observe } = options;
  const { everyMs } = config.collector;
  const runs = await store.runs('collect', sinceMs - runsMs);
  const state = createReplayState(await store.silences(sinceMs));
  const seen = followClients(await store.seenClients(), sinceMs, config);
  const rows = openReplayRows(store, sinceMs);
  const evaluated = {
    disksOf: store.disksOf,
    networksOf: store.networksOf,
    reportsOf: store.reportsOf,
    openAlerts: (clients: readonly string[] | null) => Promise.resolve(state.openAlerts(clients)),
    ruleStates: (clients: readonly string[]) => Promise.resolve(state.ruleStates(clients)),
    state: (nowMs: number) => Promise.resolve(state.at(nowMs)),
  };
  let firstRowMs: number | null = null;
  const result = { passes: 0, reports: 0, visits: 0, mails: [] as ReplayedMail[] };
  const counts = createCounts();
  for (const nowMs of passTimes({ runs, sinceMs, untilMs, everyMs })) {
    signal.throwIfAborted();
    for (let more = true; more;) {
      const batch = await rows.next(nowMs);
      ({ more } = batch);
      seen.note(batch);
      firstRowMs ??= oldestOf(batch);
      result.reports += batch.reports.length;
      result.visits += batch.visits.length;
      counts.note(state.saveProcessed(await processRows({ config, store: evaluated, batch, nowMs })));
    }
    const recent = runsAt(ofDay(runs, nowMs), nowMs);
    counts.note(
      state.saveProcessed({
        alerts: evaluateFleet({
          config,
          runs: recent,
          seenClients: seen.at(nowMs),
          alerts: state.openAlerts(null),
          nowMs,
          databaseUpSinceMs: sinceMs,
        }),
        ruleStates: new Map(),
      }),
    );
    const firstPass = result.passes === 0;
    const input = await readDispatchInput({
      config,
      store: evaluated,
      runs: recent,
      nowMs,
      firstPass,
      newRules: new Set(),
    });
    if (input.alerts.length > 0) {
      const plan = planNotifications(input);
      state.saveNotifications(plan, nowMs);
      result.mails.push(...plan.mails.map((mail) => replayed(mail, nowMs)));
    }
    result.passes += 1;
    observe((nowMs - sinceMs) / (untilMs - sinceMs));
  }
  const was = (await store.notifiedSince(sinceMs)).filter(({ notifiedAtMs }) => notifiedAtMs <= untilMs);
  const toleranceMs = config.alerts.groupIntervalMs + 2 * everyMs;
  return {
    ...result,
    firstRowMs,
    counts: counts.all(),
    difference: differenceToTold(factsOf(result.mails), was, toleranceMs),
  };
}

function oldestOf({ reports, visits }: RowsUntil): number | null {
  const times = [reports[0]?.observedAtMs ?? [], visits[0]?.startedAtMs ?? []].flat();
  return times.length === 0 ? null : Math.min(...times);
}

function ofDay(runs: readonly RunFact[], nowMs: number): readonly RunFact[] {
  return runs.filter(({ startedAtMs }) => startedAtMs > nowMs - runsMs && startedAtMs <= nowMs);
}

function replayed({ recipient, severity, alreadyTrue, items }: DueMail, atMs: number): ReplayedMail {
  return {
    atMs,
    recipient,
    severity,
    alreadyTrue,
    items: items.map((item) => ({
      client: item.client,
      rule: item.rule,
      subject: item.subject,
      transition: item.transition,
      severity: item.severity,
      valueText: item.alert.valueText,
    })),
  };
}

/** Leaves out alerts that held before the replay began: they were notified before. */
function factsOf(mails: readonly ReplayedMail[]): readonly SentNotification[] {
  return mails
    .filter(({ alreadyTrue }) => !alreadyTrue)
    .flatMap(({ recipient, atMs, items }) =>
      items.map(({ client, rule, subject, transition }) => ({
        client,
        rule,
        subject,
        transition,
        recipient,
        notifiedAtMs: atMs,
      })),
    );
}

interface Counts {
  readonly note: (fired: readonly Alert[]) => void;
  readonly all: () => readonly ReplayedCount[];
}

function createCounts(): Counts {
  const counts = new Map<string, ReplayedCount>();
  return {
    note: (fired) => {
      for (const { rule, client, firingSinceMs } of fired) {
        const atMs = firingSinceMs ?? 0;
        const name = `${rule}\0${client}`;
        const before = counts.get(name) ?? { rule, client, fired: 0, firstMs: atMs, lastMs: atMs };
        counts.set(name, { ...before, fired: before.fired + 1, lastMs: atMs });
      }
    },
    all: () => [...counts.values()].sort((one, other) => other.fired - one.fired || one.firstMs - other.firstMs),
  };
}
