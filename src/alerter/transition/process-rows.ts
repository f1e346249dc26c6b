import type { Client, Config } from '../../config/config.ts';
import type { ProcessedRows, UnprocessedReport, UnprocessedVisit } from '../../storage/store/evaluation-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import type { RuleState, Alert } from '../../storage/store/alert.ts';
import { openClientStates, stateAfter } from './client-states.ts';
import type { ClientState, ClientStates, StatesAfter } from './client-states.ts';
import { latestPossibleMs, openClientTransition, type ClientTransition } from './client-transition.ts';
import { loadRows, watchedClients, type LoadedRows, type LoadRowsOptions } from '../evaluate/load-rows.ts';
import { sampleReport, sampleVisit } from '../evaluate/sample-row.ts';

/** The queries of processing rows; a dry run answers them from memory. */
export type ProcessingStore = Pick<AlertStore, 'disksOf' | 'networksOf' | 'reportsOf' | 'openAlerts' | 'ruleStates'>;

export interface ProcessRowsOptions extends LoadRowsOptions {
  readonly store: ProcessingStore;
  readonly nowMs: number;
}

/** Processes one batch of rows, which are in the order of their times. */
export async function processRows(options: ProcessRowsOptions): Promise<ProcessedRows> {
  const round = openRound({ ...options, states: openClientStates(options.store) });
  await round.process(await loadRows(options));
  return round.end().processed;
}

export interface RoundOptions {
  readonly config: Config;
  readonly states: ClientStates;
  readonly nowMs: number;
}

/** Rows that are processed page by page, and stored together. */
export interface Round {
  /** Processes a page. None of its rows is older than the rows of its kind in the page before. */
  readonly process: (rows: LoadedRows) => Promise<void>;
  readonly rows: () => number;
  readonly end: () => { readonly processed: ProcessedRows; readonly after: StatesAfter };
}

interface Entry {
  readonly client: Client;
  readonly before: ClientState;
  readonly transition: ClientTransition;
}

/** Opens a round. Rows of clients that config.xml does not name, or that are retired, are only marked as processed. */
export function openRound({ config, states, nowMs }: RoundOptions): Round {
  const { everyMs } = config.collector;
  const clients = watchedClients(config);
  const entries = new Map<string, Entry>();
  const statIds: number[] = [];
  const visitIds: number[] = [];

  const enterAll = async ({ reports, visits }: LoadedRows['batch']): Promise<void> => {
    const newest = new Map<string, number>();
    const note = (client: string, atMs: number): void => {
      if (clients.has(client) && !entries.has(client)) newest.set(client, Math.max(atMs, newest.get(client) ?? atMs));
    };
    for (const { client, observedAtMs } of reports) note(client, observedAtMs);
    for (const { client, startedAtMs } of visits) note(client, startedAtMs);
    if (newest.size === 0) return;
    const found = await states.of([...newest.keys()]);
    for (const [name, newestMs] of newest) {
      const client = clients.get(name);
      if (client === undefined) continue;
      const before = found.get(name) ?? { memory: null, alerts: [] };
      const latestMs = latestPossibleMs(nowMs, newestMs, everyMs);
      entries.set(name, {
        client,
        before,
        transition: openClientTransition({ ...before, rules: client.rules, everyMs, latestMs }),
      });
    }
  };
  const processVisit = (visit: UnprocessedVisit): void => {
    visitIds.push(visit.id);
    const entry = entries.get(visit.client);
    entry?.transition.step(sampleVisit({ client: entry.client, visit }));
  };
  const processReport = async (row: UnprocessedReport, { disks, networks, reports }: LoadedRows): Promise<void> => {
    statIds.push(row.id);
    const entry = entries.get(row.client);
    entry?.transition.step(
      sampleReport({
        client: entry.client,
        row,
        disks: disks.get(row.id) ?? null,
        networks: networks.get(row.id) ?? null,
        report: (await reports.get(row.id)) ?? null,
      }),
    );
  };

  return {
    process: async (rows) => {
      await enterAll(rows.batch);
      const { reports, visits } = rows.batch;
      let visited = 0;
      // A visit comes before the report that it brought.
      const processVisitsUntil = (atMs: number): void => {
        for (; visited < visits.length; visited += 1) {
          const visit = visits[visited];
          if (visit === undefined || visit.startedAtMs > atMs) return;
          processVisit(visit);
        }
      };
      for (const row of reports) {
        processVisitsUntil(row.observedAtMs);
        await processReport(row, rows);
      }
      processVisitsUntil(Infinity);
    },
    rows: () => statIds.length + visitIds.length,
    end: () => {
      const alerts: Alert[] = [];
      const worse: number[] = [];
      const ruleStates = new Map<string, RuleState>();
      const after = new Map<string, ClientState | null>();
      for (const [name, { before, transition }] of entries) {
        const result = transition.result();
        alerts.push(...result.alerts);
        worse.push(...noLongerAcknowledged(before.alerts, result.alerts));
        ruleStates.set(name, result.memory);
        after.set(name, stateAfter(before, result));
      }
      return { processed: { statIds, visitIds, alerts, ruleStates, noLongerAcknowledged: worse }, after };
    },
  };
}

/** Returns the ids of acknowledged alerts whose acknowledgement ended because they got worse. */
function noLongerAcknowledged(before: readonly Alert[], after: readonly Alert[]): readonly number[] {
  if (after.length === 0) return [];
  const acknowledged = new Set(before.filter(({ acknowledgedBy }) => acknowledgedBy !== null).map(({ id }) => id));
  return after.flatMap(({ id, acknowledgedBy }) =>
    id !== null && acknowledgedBy === null && acknowledged.has(id) ? [id] : [],
  );
}
