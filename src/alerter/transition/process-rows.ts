import type { Client, Config } from '../../config/config.ts';
import type { EvaluationStore, ProcessedRows } from '../../storage/store/evaluation-store.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';
import { openClientStates, stateAfter } from './client-states.ts';
import type { ClientState, ClientStates, StatesAfter } from './client-states.ts';
import { ClientTransition, latestPossibleMs } from './client-transition.ts';
import { besideRow, loadRows, watchedClients, type LoadedRows, type LoadRowsOptions } from '../evaluate/load-rows.ts';
import { sampleReport, sampleVisit } from '../evaluate/sample-row.ts';

export interface ProcessRowsOptions extends Omit<LoadRowsOptions, 'clients'> {
  readonly config: Config;
  readonly store: LoadRowsOptions['store'] & Pick<EvaluationStore, 'openAlerts' | 'ruleStates'>;
  readonly nowMs: number;
}

/** Processes one batch of rows, which are in the order of their times. */
export async function processRows(options: ProcessRowsOptions): Promise<ProcessedRows> {
  const round = new Round({ ...options, states: openClientStates(options.store) });
  await round.process(await loadRows({ ...options, clients: watchedClients(options.config) }));
  return round.end().processed;
}

export interface RoundOptions {
  readonly config: Config;
  readonly states: ClientStates;
  readonly nowMs: number;
}

interface Entry {
  readonly client: Client;
  readonly before: ClientState;
  readonly transition: ClientTransition;
}

/**
 * Rows that are processed page by page, and stored together. Rows of clients that config.xml does not name, or that are
 * retired, are only marked as processed.
 */
export class Round {
  readonly #options: RoundOptions;
  readonly #clients: ReadonlyMap<string, Client>;
  readonly #entries = new Map<string, Entry>();
  readonly #statIds: number[] = [];
  readonly #visitIds: number[] = [];

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#clients = watchedClients(options.config);
  }

  get rows(): number {
    return this.#statIds.length + this.#visitIds.length;
  }

  /** Processes a page. None of its rows is older than the rows of its kind in the page before. */
  async process(rows: LoadedRows): Promise<void> {
    const { reports, visits } = rows.batch;
    const timed = [
      // A visit comes before its report.
      ...visits.map((visit) => ({ client: visit.client, atMs: visit.startedAtMs, visit, report: null })),
      ...reports.map((report) => ({ client: report.client, atMs: report.observedAtMs, visit: null, report })),
    ].sort((one, other) => one.atMs - other.atMs);
    await this.#enter(timed);
    for (const { client: name, visit, report } of timed) {
      const entry = this.#entries.get(name);
      if (visit === null) {
        this.#statIds.push(report.id);
        if (entry === undefined) continue;
        const { client, transition } = entry;
        transition.step(sampleReport({ client, row: report, ...(await besideRow(rows, report.id)) }));
      } else {
        this.#visitIds.push(visit.id);
        entry?.transition.step(sampleVisit({ client: entry.client, visit }));
      }
    }
  }

  /** Reads the states of clients that have no row in the round yet. `rows` are in the order of their times. */
  async #enter(rows: readonly { readonly client: string; readonly atMs: number }[]): Promise<void> {
    const { config, states, nowMs } = this.#options;
    const { everyMs } = config.collector;
    const newest = new Map<string, number>();
    for (const { client, atMs } of rows) if (!this.#entries.has(client)) newest.set(client, atMs);
    const clients = [...newest.keys()].flatMap((name) => this.#clients.get(name) ?? []);
    const found = await states.of(clients.map(({ name }) => name));
    for (const client of clients) {
      const before = found.get(client.name) ?? { memory: null, alerts: [] };
      const latestMs = latestPossibleMs(nowMs, newest.get(client.name) ?? nowMs, everyMs);
      const transition = new ClientTransition({ ...before, rules: client.rules, everyMs, latestMs });
      this.#entries.set(client.name, { client, before, transition });
    }
  }

  end(): { readonly processed: ProcessedRows; readonly after: StatesAfter } {
    const [statIds, visitIds] = [this.#statIds, this.#visitIds];
    const alerts: Alert[] = [];
    const worse: number[] = [];
    const ruleStates = new Map<string, RuleState>();
    const after = new Map<string, ClientState | null>();
    for (const [name, { before, transition }] of this.#entries) {
      const result = transition.result();
      alerts.push(...result.alerts);
      worse.push(...noLongerAcknowledged(before.alerts, result.alerts));
      ruleStates.set(name, result.memory);
      after.set(name, stateAfter(before, result));
    }
    return { processed: { statIds, visitIds, alerts, ruleStates, noLongerAcknowledged: worse }, after };
  }
}

/** Returns the ids of acknowledged alerts whose acknowledgement ended because they got worse. */
function noLongerAcknowledged(before: readonly Alert[], after: readonly Alert[]): readonly number[] {
  if (after.length === 0) return [];
  const acknowledged = new Set(before.filter(({ acknowledgedBy }) => acknowledgedBy !== null).map(({ id }) => id));
  return after.flatMap(({ id, acknowledgedBy }) =>
    id !== null && acknowledgedBy === null && acknowledged.has(id) ? [id] : [],
  );
}
