import type { Client, Config } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import type { Report } from '../../report/report.ts';
import type { EvaluationStore, UnprocessedBatch } from '../../storage/store/evaluation-store.ts';
import { hasFiguresOfRise } from './check-value-sampler.ts';
import { needsOf, type SampleReportOptions } from './sample-row.ts';

/** Rows, with the tables and reports that the rules of their clients need. */
export interface LoadedRows {
  readonly batch: Pick<UnprocessedBatch, 'reports' | 'visits'>;
  readonly disks: Awaited<ReturnType<EvaluationStore['disksOf']>>;
  readonly networks: Awaited<ReturnType<EvaluationStore['networksOf']>>;
  readonly checks: Awaited<ReturnType<EvaluationStore['checksOf']>>;
  readonly checksDayBefore: Awaited<ReturnType<EvaluationStore['checksDayBefore']>>;
  readonly reports: Awaited<ReturnType<EvaluationStore['reportsOf']>>;
}

export interface LoadRowsOptions {
  readonly clients: ReadonlyMap<string, Pick<Client, 'rules'>>;
  readonly store: Pick<EvaluationStore, 'disksOf' | 'networksOf' | 'checksOf' | 'checksDayBefore' | 'reportsOf'>;
  readonly batch: LoadedRows['batch'];
}

export async function loadRows({ clients, store, batch }: LoadRowsOptions): Promise<LoadedRows> {
  const wanted = { disks: [] as number[], networks: [] as number[], checks: [] as number[], reports: [] as number[] };
  for (const row of batch.reports) {
    const client = clients.get(row.client);
    if (client === undefined) continue;
    const needs = needsOf(client.rules, row);
    if (needs.disks) wanted.disks.push(row.id);
    if (needs.networks) wanted.networks.push(row.id);
    if (needs.checks) wanted.checks.push(row.id);
    if (needs.reports) wanted.reports.push(row.id);
  }
  const checks = await store.checksOf(wanted.checks);
  const mayHaveRisen = batch.reports.filter((row) =>
    hasFiguresOfRise(clients.get(row.client)?.rules ?? [], checks.get(row.id) ?? []),
  );
  return {
    batch,
    disks: await store.disksOf(wanted.disks),
    networks: await store.networksOf(wanted.networks),
    checks,
    checksDayBefore: await store.checksDayBefore(mayHaveRisen),
    reports: await store.reportsOf(wanted.reports),
  };
}

type BesideRow = Pick<SampleReportOptions, 'disks' | 'networks' | 'checks' | 'checksDayBefore' | 'report'>;

/** Returns the tables and the report of a row. Returns a promise only if a report has to be read. */
export function besideRow(rows: LoadedRows, id: number): BesideRow | Promise<BesideRow> {
  const report = rows.reports.get(id);
  return report instanceof Promise ? report.then((read) => beside(rows, id, read)) : beside(rows, id, report);
}

function beside(
  { disks, networks, checks, checksDayBefore }: LoadedRows,
  id: number,
  report: Report | undefined,
): BesideRow {
  return {
    disks: disks.get(id) ?? null,
    networks: networks.get(id) ?? null,
    // A report without checks has no rows: its checks are none, not unknown.
    checks: checks.get(id) ?? [],
    checksDayBefore: checksDayBefore.get(id) ?? null,
    report: report ?? null,
  };
}

/** Returns the clients whose rows are evaluated, by name. */
export const watchedClients = rememberedWeakly((config: Config): ReadonlyMap<string, Client> => {
  const watched = config.clients.filter(({ state }) => state !== 'retired');
  return new Map([
    // Until the collector follows a rename, alerts under the former name move with the rows.
    ...watched.flatMap((client) =>
      client.was === null ? [] : [[client.was, { ...client, name: client.was }] as const],
    ),
    ...watched.map((client) => [client.name, client] as const),
  ]);
});
