import { evaluateFleet } from '../../../src/alerter/absence/fleet-conditions.ts';
import { transitionClient } from './transition-client.ts';
import { sampleReport, sampleVisit } from '../../../src/alerter/evaluate/sample-row.ts';
import { planNotifications } from '../../../src/alerter/dispatch/plan-notifications.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import type { Config } from '../../../src/config/config.ts';
import type { SeenClient } from '../../../src/storage/store/fleet-store.ts';
import type { Silence } from '../../../src/storage/store/operator-store.ts';
import type { RuleState, Alert, LastNotified } from '../../../src/storage/store/alert.ts';
import { notLooked } from '../../storage/support/samples.ts';
import { diskRow, failedVisit, reportRow, visitRow } from './rows.ts';
import { historiesOf, type SimulatedMail } from './dispatch-world.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { DispatchInput } from '../../../src/alerter/inhibit/dispatch-input.ts';

/**
 * The functions that the alerter calls, in the alerter's order. Maps replace the database, and mails are sent at once.
 */
export class UnnotifiedWorld {
  readonly #config: Config;
  readonly #alerts = new Map<number, Alert>();
  readonly #notified = new Map<string, LastNotified>();
  readonly #ruleStates = new Map<string, RuleState>();
  readonly #seen = new Map<string, SeenClient>();
  readonly #silences: Silence[] = [];
  readonly #mails: SimulatedMail[] = [];
  #runs: RunFact[] = [];
  #rows: (() => void)[] = [];

  constructor(config: Config) {
    this.#config = config;
  }

  silence(one: Pick<Silence, 'client' | 'rule' | 'startsAtMs' | 'endsAtMs'>): void {
    this.#silences.push({ ...one, id: this.#silences.length + 1, subject: '', author: 'kim', comment: '' });
  }

  /** Simulates a full run of the collector. The next pass evaluates its rows. */
  collect(atMs: number, says: Readonly<Record<string, string>>): void {
    const id = `run ${atMs}`;
    const failed = Object.values(says).filter((said) => said.startsWith('fails')).length;
    const clients = Object.keys(says).length;
    this.#runs = [
      ...this.#runs.slice(-40),
      {
        id,
        program: 'collect',
        collectorId: 'col',
        configDigest: '',
        host: 'mon-1',
        scope: 'full',
        outcome: 'finished',
        startedAtMs: atMs,
        finishedAtMs: atMs + 5000,
        clients,
        succeeded: clients - failed,
        failed,
        ...notLooked,
      },
    ];
    for (const [name, said] of Object.entries(says)) this.#rows.push(() => this.#evaluate(name, said, atMs, id));
  }

  #evaluate(name: string, said: string, atMs: number, runId: string): void {
    const client = this.#config.clients.find((one) => one.name === name);
    if (client === undefined) throw new Error(`no client ${name}`);
    const code = /^fails (.*)/.exec(said)?.[1];
    const over = { client: name, runId, startedAtMs: atMs + 1000 };
    const visit = code === undefined ? visitRow(over) : failedVisit('connect', code, over);
    const sampledRows = [sampleVisit({ client, visit })];
    const percent = /^disk \/ (\d+)$/.exec(said)?.[1];
    if (percent !== undefined) {
      const row = reportRow({ client: name, runId, observedAtMs: atMs + 2000 });
      const disks = [diskRow({ used_percent: Number(percent) })];
      sampledRows.push(sampleReport({ client, row, disks, networks: [], report: null }));
    }
    const before = this.#seen.get(name);
    this.#seen.set(name, {
      name,
      firstSeenMs: before?.firstSeenMs ?? atMs,
      lastVisitAtMs: atMs + 1000,
      lastReportAtMs: percent === undefined ? (before?.lastReportAtMs ?? null) : atMs + 2000,
    });
    const { memory, alerts } = transitionClient({
      rules: client.rules,
      memory: this.#ruleStates.get(name) ?? null,
      alerts: this.#open().filter((alert) => alert.client === name),
      sampledRows,
      everyMs: this.#config.collector.everyMs,
      nowMs: atMs + 60_000,
    });
    this.#ruleStates.set(name, memory);
    this.#store(alerts);
  }

  #open(): readonly Alert[] {
    return [...this.#alerts.values()].filter(({ state }) => state !== 'resolved');
  }

  #store(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const id = alert.id ?? this.#alerts.size + 1;
      this.#alerts.set(id, { ...alert, id });
    }
  }

  /** Runs one pass of the alerter. Returns the mails. */
  pass(nowMs: number): readonly DueMail[] {
    for (const evaluate of this.#rows) evaluate();
    this.#rows = [];
    this.#store(
      evaluateFleet({
        config: this.#config,
        runs: this.#runs,
        seenClients: [...this.#seen.values()],
        alerts: this.#open(),
        nowMs,
        databaseUpSinceMs: 0,
      }),
    );
    const { mails, notified: notified, closedOut } = planNotifications(this.#world(nowMs));
    for (const mail of mails) this.#mails.push({ id: this.#mails.length, mail, createdAtMs: nowMs, state: 'sent' });
    for (const one of notified) this.#notified.set(`${one.alertId} ${one.recipient}`, one);
    for (const id of closedOut) {
      const alert = this.#alerts.get(id);
      if (alert !== undefined) this.#alerts.set(id, { ...alert, closedOut: true });
    }
    return mails;
  }

  #world(nowMs: number): DispatchInput {
    const alerts = [...this.#alerts.values()].filter(({ closedOut }) => !closedOut);
    const ids = new Set(alerts.map(({ id }) => id));
    return {
      config: this.#config,
      nowMs,
      alerts,
      notified: [...this.#notified.values()].filter(({ alertId }) => ids.has(alertId)),
      silences: this.#silences.filter(({ endsAtMs }) => endsAtMs > nowMs),
      endedSilences: this.#silences.filter(({ endsAtMs }) => endsAtMs <= nowMs),
      histories: historiesOf(this.#mails, nowMs),
      waiting: [],
      unfinishedRuns: new Set(),
      newestRowMs: new Map(
        [...this.#ruleStates].flatMap(([name, { newestReportMs }]) =>
          newestReportMs === null ? [] : [[name, newestReportMs]],
        ),
      ),
      collectorOfRun: new Map(this.#runs.map(({ id, collectorId }) => [id, collectorId])),
    };
  }
}
