import { append } from '../../platform/group-by.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
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
  /** Reports the fault of one client's rows. Throws an error that ends the pass. Default: throws each. */
  readonly heed?: ((what: string, thrown: unknown) => void) | undefined;
}

interface Entry {
  readonly client: Client;
  readonly before: ClientState;
  readonly transition: ClientTransition;
  /** True once a row could not be evaluated: the client's rows of this round change nothing. */
  hasFailed: boolean;
}

/** The memory of a client whose rows could not be evaluated: a stored one may be the reason. */
const noMemory: RuleState = { newestReportMs: null, newestVisitMs: null, bootId: null, rows: 0, changes: {} };

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
  /** The clients of the rows, in the order of both lists of ids. */
  readonly #statClients: string[] = [];
  readonly #visitClients: string[] = [];

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
      if (visit === null) {
        this.#statIds.push(report.id);
        this.#statClients.push(name);
      } else {
        this.#visitIds.push(visit.id);
        this.#visitClients.push(name);
      }
      const entry = this.#entries.get(name);
      if (entry === undefined || entry.hasFailed) continue;
      const { client, transition } = entry;
      try {
        if (visit === null) {
          // Awaited only if a report has to be read: an await for each row would cost a fifth of the time.
          const beside = besideRow(rows, report.id);
          const read = beside instanceof Promise ? await beside : beside;
          transition.step(sampleReport({ client, row: report, ...read }));
        } else transition.step(sampleVisit({ client, visit }));
      } catch (thrown) {
        this.#fail(entry, thrown);
      }
    }
  }

  #fail(entry: Entry, thrown: unknown): void {
    if (this.#options.heed === undefined) throw thrown;
    this.#options.heed(`evaluating ${entry.client.name}, whose rows of this pass are passed over`, thrown);
    entry.hasFailed = true;
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
      const lateMs = lateAfterMs(client, everyMs);
      const options = { rules: client.rules, everyMs, latestMs, lateMs, alerts: before.alerts };
      const enter = (memory: RuleState | null): Entry => {
        const entry = { client, before, transition: new ClientTransition({ ...options, memory }), hasFailed: false };
        this.#entries.set(client.name, entry);
        return entry;
      };
      try {
        enter(before.memory);
      } catch (thrown) {
        this.#fail(enter(null), thrown);
      }
    }
  }

  end(): { readonly processed: ProcessedRows; readonly after: StatesAfter } {
    const [statIds, visitIds] = [this.#statIds, this.#visitIds];
    const alerts: Alert[] = [];
    const worse: number[] = [];
    const ruleStates = new Map<string, RuleState>();
    const after = new Map<string, ClientState | null>();
    for (const [name, entry] of this.#entries) {
      const { before } = entry;
      const result = this.#resultOf(entry);
      if (result === null) {
        ruleStates.set(name, noMemory);
        after.set(name, { memory: noMemory, alerts: before.alerts });
        continue;
      }
      append(alerts, result.alerts);
      append(worse, noLongerAcknowledged(before.alerts, result.alerts));
      ruleStates.set(name, result.memory);
      after.set(name, stateAfter(before, result));
    }
    return { processed: { statIds, visitIds, alerts, ruleStates, noLongerAcknowledged: worse }, after };
  }

  /** Returns what a round stores, client by client. */
  byClient({ alerts, ruleStates, noLongerAcknowledged = [] }: ProcessedRows): ReadonlyMap<string, ProcessedRows> {
    const ended = new Set(noLongerAcknowledged);
    return new Map(
      [...new Set([...this.#visitClients, ...this.#statClients])].map((client) => {
        const state = ruleStates.get(client);
        const acknowledged = this.#entries.get(client)?.before.alerts.flatMap(({ id }) => id ?? []) ?? [];
        const own: ProcessedRows = {
          statIds: this.#statIds.filter((_, index) => this.#statClients[index] === client),
          visitIds: this.#visitIds.filter((_, index) => this.#visitClients[index] === client),
          alerts: alerts.filter((alert) => alert.client === client),
          ruleStates: new Map(state === undefined ? [] : [[client, state]]),
          noLongerAcknowledged: acknowledged.filter((id) => ended.has(id)),
        };
        return [client, own];
      }),
    );
  }

  /** Returns null for a client that failed. */
  #resultOf(entry: Entry): ReturnType<ClientTransition['result']> | null {
    try {
      return entry.hasFailed ? null : entry.transition.result();
    } catch (thrown) {
      this.#fail(entry, thrown);
      return null;
    }
  }
}

/** Returns the ids of acknowledged alerts whose acknowledgement ended because they got worse. */
export function noLongerAcknowledged(before: readonly Alert[], after: readonly Alert[]): readonly number[] {
  if (after.length === 0) return [];
  const acknowledged = new Set(before.filter(({ acknowledgedBy }) => acknowledgedBy !== null).map(({ id }) => id));
  return after.flatMap(({ id, acknowledgedBy }) =>
    id !== null && acknowledgedBy === null && acknowledged.has(id) ? [id] : [],
  );
}
