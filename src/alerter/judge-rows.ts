import type { Client, Config } from '../config/config.ts';
import type { AlertStore, Judged, UntreatedBatch, UntreatedReport, UntreatedVisit } from '../storage/alert-store.ts';
import type { ClientMemory, Episode } from '../storage/episode.ts';
import { groupBy } from '../storage/group-by.ts';
import { judgeClient } from './judge.ts';
import type { Observation } from './observation.ts';
import { needsOf, readReport, readVisit } from './read-row.ts';

/** What judging asks of the store; a dry run answers from memory. */
export type JudgingStore = Pick<AlertStore, 'disksOf' | 'networksOf' | 'reportsOf' | 'openEpisodes' | 'memories'>;

export interface JudgeRowsOptions {
  readonly config: Config;
  readonly store: JudgingStore;
  readonly batch: UntreatedBatch;
  readonly nowMs: number;
}

/**
 * Judges one batch of rows. Rows of clients that config.xml does not name, or that are retired, are marked as treated and
 * say nothing. Loads beside the rows only what the rules of their clients need.
 */
export async function judgeRows(options: JudgeRowsOptions): Promise<Judged> {
  const { config, store, batch, nowMs } = options;
  const clients = watchedClients(config);
  const reports = groupBy(batch.reports, ({ client }) => client);
  const visits = groupBy(batch.visits, ({ client }) => client);
  const names = [...new Set([...reports.keys(), ...visits.keys()])].filter((name) => clients.has(name));
  const details = await loadDetails(options, clients);
  const memories = await store.memories(names);
  const episodes = groupBy(await store.openEpisodes(names), ({ client }) => client);

  const changed: Episode[] = [];
  const worse: number[] = [];
  const remembered = new Map<string, ClientMemory>();
  for (const name of names) {
    const client = clients.get(name);
    if (client === undefined) continue;
    const before = episodes.get(name) ?? [];
    const judgement = judgeClient({
      rules: client.rules,
      memory: memories.get(name) ?? null,
      episodes: before,
      observations: observationsOf({
        client,
        reports: reports.get(name) ?? [],
        visits: visits.get(name) ?? [],
        details,
      }),
      everyMs: config.collector.everyMs,
      nowMs,
    });
    changed.push(...judgement.episodes);
    worse.push(...noLongerAcknowledged(before, judgement.episodes));
    remembered.set(name, judgement.memory);
  }
  return {
    statIds: batch.reports.map(({ id }) => id),
    visitIds: batch.visits.map(({ id }) => id),
    episodes: changed,
    memories: remembered,
    noLongerAcknowledged: worse,
  };
}

/** They got worse, whatever they are now. */
function noLongerAcknowledged(before: readonly Episode[], after: readonly Episode[]): readonly number[] {
  const acknowledged = new Set(before.filter(({ acknowledgedBy }) => acknowledgedBy !== null).map(({ id }) => id));
  return after.flatMap(({ id, acknowledgedBy }) =>
    id !== null && acknowledgedBy === null && acknowledged.has(id) ? [id] : [],
  );
}

const watchedOf = new WeakMap<Config, ReadonlyMap<string, Client>>();

function watchedClients(config: Config): ReadonlyMap<string, Client> {
  const known = watchedOf.get(config);
  if (known !== undefined) return known;
  const watched = config.clients.filter(({ state }) => state !== 'retired');
  const made = new Map([
    // The collector has not followed the rename yet: what is judged under the former name moves with the rows.
    ...watched.flatMap((client) =>
      client.was === null ? [] : [[client.was, { ...client, name: client.was }] as const],
    ),
    ...watched.map((client) => [client.name, client] as const),
  ]);
  watchedOf.set(config, made);
  return made;
}

interface Details {
  readonly disks: Awaited<ReturnType<AlertStore['disksOf']>>;
  readonly networks: Awaited<ReturnType<AlertStore['networksOf']>>;
  readonly reports: Awaited<ReturnType<AlertStore['reportsOf']>>;
}

async function loadDetails({ batch, store }: JudgeRowsOptions, clients: ReadonlyMap<string, Client>): Promise<Details> {
  const wanted = { disks: [] as number[], networks: [] as number[], reports: [] as number[] };
  for (const row of batch.reports) {
    const client = clients.get(row.client);
    if (client === undefined) continue;
    const needs = needsOf(client.rules, row);
    if (needs.disks) wanted.disks.push(row.id);
    if (needs.networks) wanted.networks.push(row.id);
    if (needs.reports) wanted.reports.push(row.id);
  }
  return {
    disks: wanted.disks.length === 0 ? new Map() : await store.disksOf(wanted.disks),
    networks: wanted.networks.length === 0 ? new Map() : await store.networksOf(wanted.networks),
    reports: wanted.reports.length === 0 ? new Map() : await store.reportsOf(wanted.reports),
  };
}

interface ClientRows {
  readonly client: Client;
  readonly reports: readonly UntreatedReport[];
  readonly visits: readonly UntreatedVisit[];
  readonly details: Details;
}

function observationsOf({ client, reports, visits, details }: ClientRows): readonly Observation[] {
  return [
    ...visits.map((visit) => readVisit({ client, visit })),
    ...reports.map((row) =>
      readReport({
        client,
        row,
        disks: details.disks.get(row.id) ?? null,
        networks: details.networks.get(row.id) ?? null,
        report: details.reports.get(row.id) ?? null,
      }),
    ),
  ];
}
