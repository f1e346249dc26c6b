import { evaluateFleet } from '../../../src/alerter/absence/fleet-conditions.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { planNotifications } from '../../../src/alerter/dispatch/plan-notifications.ts';
import { readDispatchInput } from '../../../src/alerter/dispatch/read-dispatch-input.ts';
import { concernedMembers, reportTimes } from '../../../src/alerter/inhibit/group-states.ts';
import { ReplayState } from '../../../src/alerter/replay/replay-state.ts';
import { processRows } from '../../../src/alerter/transition/process-rows.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { UnprocessedReport, UnprocessedVisit } from '../../../src/storage/store/evaluation-store.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import { run } from './fleet-passes.ts';
import { at, failedVisit, reportRow, visitRow } from './rows.ts';

export const everyMs = 5 * 60_000;

/** The outcome of a visit: a report, no report, or a fault. A client that is not named is well. */
export type Word = 'ok' | 'mute' | 'fails';

const none = { reports: [], visits: [], more: false, next: null };
const nothingBeside = {
  disksOf: () => Promise.resolve(new Map()),
  networksOf: () => Promise.resolve(new Map()),
  checksOf: () => Promise.resolve(new Map()),
  checksDayBefore: () => Promise.resolve(new Map()),
  reportsOf: () => Promise.resolve({ get: () => undefined }),
};

/** Runs of a collector and passes of the alerter over a fleet, in memory. Each mail counts as sent at once. */
export class GroupFleet {
  config: Config;
  /** The alerts of groups by the time of their begin, as they were stored last. */
  readonly groupAlerts = new Map<number, Alert>();
  readonly #state = new ReplayState([]);
  readonly #runs: RunFact[] = [];
  #reports: UnprocessedReport[] = [];
  #visits: UnprocessedVisit[] = [];
  #nowMs = at('08:00');

  constructor(config: Config) {
    this.config = config;
  }

  /** Makes a finished run of all clients, and moves the clock to its end. */
  collect(words: Readonly<Record<string, Word>>): void {
    const startedAtMs = this.#nowMs + everyMs;
    this.#nowMs = startedAtMs + 60_000;
    const id = `run ${this.#runs.length}`;
    this.#runs.push(run('08:00', { id, startedAtMs, finishedAtMs: this.#nowMs, failed: 0 }));
    for (const [index, { name: client, state }] of this.config.clients.entries()) {
      if (state === 'retired') continue;
      const word = words[client] ?? 'ok';
      const visit = { client, runId: id, startedAtMs: startedAtMs + index * 100 };
      this.#visits.push(word === 'fails' ? failedVisit('resolve', 'dns', visit) : visitRow(visit));
      if (word !== 'ok') continue;
      this.#reports.push(
        reportRow({ client, runId: id, observedAtMs: visit.startedAtMs + 50, reportId: `${id} ${client}` }),
      );
    }
    this.#nowMs -= 60_000;
  }

  /** Makes a pass over the rows since the last one, and returns its mails. */
  async pass(): Promise<readonly DueMail[]> {
    const nowMs = this.#nowMs + 90_000;
    const { config } = this;
    const state = this.#state;
    const evaluation = {
      ...nothingBeside,
      openAlerts: (clients: readonly string[] | null) => Promise.resolve(state.openAlerts(clients)),
      ruleStates: (clients: readonly string[]) => Promise.resolve(state.ruleStates(clients)),
    };
    const batch = { ...none, reports: this.#reports, visits: this.#visits };
    state.save(await processRows({ config, store: evaluation, batch, nowMs }));
    [this.#reports, this.#visits] = [[], []];
    const open = state.openAlerts(null);
    const ended = state.endedAlerts();
    const seenMs = new Map(this.#runs.map(({ finishedAtMs }) => ['', finishedAtMs]));
    const seen = { firstSeenMs: at('08:00'), lastVisitAtMs: seenMs.get('') ?? null, lastReportAtMs: nowMs };
    const alerts = evaluateFleet({
      ...{ config, runs: this.#runs, alerts: open, ended, nowMs, databaseUpSinceMs: 0 },
      reports: reportTimes(state.ruleStates(concernedMembers(config, [...open, ...ended]))),
      seenClients: config.clients.map(({ name }) => ({ name, ...seen })),
    });
    state.save({ alerts, ruleStates: new Map() });
    for (const alert of alerts) if (alert.about === 'group') this.groupAlerts.set(alert.firingSinceMs ?? 0, alert);
    const storage = { evaluation, notifications: { state: (ms: number) => Promise.resolve(state.at(ms)) } };
    const asked = { config, runs: this.#runs, nowMs, firstPass: false, newRules: new Set<string>() };
    const plan = planNotifications(await readDispatchInput({ ...asked, storage }));
    state.saveNotifications(plan, nowMs);
    return plan.mails;
  }
}
