/** The stored figures of groups, and the outliers among them. */
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import type { FigureRow, FigureStore } from '../../storage/store/figure-store.ts';
import {
  type AddFigure,
  addMount,
  addNetworks,
  addStats,
  diskColumns,
  figuresOf,
  mountKey,
  networkColumns,
  statsColumns,
  statsColumnsOf,
} from './client-figures.ts';
import type { ComparedGroup } from './compared-groups.ts';
import { type Candidate, lookedAt, type RecentFigures } from './figure-outliers.ts';
import { compareGroups, type GroupFigures } from './group-figures.ts';
import { type KnownValues, ValuesByKey } from './group-values.ts';

/** A client that has not reported for this many times `every` is not compared. */
const lateRuns = 3;
/** Reports older than this many times `every` are not recent. */
export const recentRuns = 2 * lookedAt;

export interface ReadFiguresOptions {
  readonly config: Pick<Config, 'collector'>;
  readonly figures: Pick<FigureStore, 'newestSince' | 'recentReports' | 'subjects'>;
  readonly nowMs: number;
}

/** The figures of groups, and those mounts of their members that are file systems of the machine itself. */
export interface ReadFigures {
  readonly groups: readonly GroupFigures[];
  readonly mountsOf: ReadonlyMap<string, readonly string[]>;
}

/** Reads the newest figures of groups, and finds the outliers among them. */
export async function readFigures(
  { config, figures: store, nowMs }: ReadFiguresOptions,
  groups: readonly ComparedGroup[],
): Promise<ReadFigures> {
  const { everyMs } = config.collector;
  const { byGroup, fresh, mountsOf } = await readNewest(store, groups, nowMs - lateRuns * everyMs);
  const found = groups.map((group, index) => ({
    ...group,
    fresh: group.clients.filter((client) => fresh.has(client)),
    newest: byGroup[index]?.values ?? new Map<string, KnownValues>(),
  }));
  const read = async (candidates: readonly Candidate[]): Promise<RecentFigures> =>
    await recentFigures(store, candidates, nowMs - recentRuns * everyMs);
  return { groups: await compareGroups(found, read), mountsOf };
}

/** Reads the newest figures of the members of groups, straight into the lists of their groups. */
async function readNewest(
  store: ReadFiguresOptions['figures'],
  groups: readonly ComparedGroup[],
  sinceMs: number,
): Promise<{
  readonly byGroup: readonly ValuesByKey[];
  readonly fresh: ReadonlySet<string>;
  readonly mountsOf: ReadonlyMap<string, readonly string[]>;
}> {
  const byGroup = groups.map(() => new ValuesByKey());
  const groupsOf = new Map<string, ValuesByKey[]>();
  for (const [index, values] of byGroup.entries()) {
    for (const client of groups[index]?.clients ?? []) addTo(groupsOf, client, values);
  }
  const reports = (await store.newestSince(statsColumns, sinceMs)).filter(({ client }) => groupsOf.has(client));
  const clientOf = new Map(reports.map(({ statId, client }) => [statId, client]));
  let client = '';
  let own: readonly ValuesByKey[] = [];
  const add: AddFigure = (key, value) => {
    for (const values of own) values.add(key, client, value);
  };
  const goTo = (name: string): void => {
    client = name;
    own = groupsOf.get(name) ?? [];
  };
  for (const report of reports) {
    goTo(report.client);
    addStats(report.row, add);
  }
  const ids = [...clientOf.keys()];
  for (const [statId, rows] of groupBy(await store.subjects('network_stats', ids, networkColumns), reportOf)) {
    goTo(clientOf.get(statId) ?? '');
    addNetworks(rows, add);
  }
  const mountsOf = new Map<string, string[]>();
  // A fleet has the same mounts thousands of times.
  const keyOf = remembered(mountKey);
  for (const row of await store.subjects('disk_stats', ids, diskColumns)) {
    goTo(clientOf.get(reportOf(row)) ?? '');
    addMount(row, add, keyOf);
    if (row['fstype'] !== 'tmpfs' && row['mode'] !== 'missing') addTo(mountsOf, client, String(row['mount']));
  }
  return { byGroup, fresh: new Set(clientOf.values()), mountsOf };
}

function addTo<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

function reportOf({ stat_id: id }: FigureRow): number {
  return Number(id);
}

/** True if the newest report of a client is fresh enough to compare the client. */
export function isFresh(observedAtMs: number, nowMs: number, everyMs: number): boolean {
  return nowMs - observedAtMs <= lateRuns * everyMs;
}

/** True if a report is recent enough to decide about a candidate. */
export function isRecent(observedAtMs: number, nowMs: number, everyMs: number): boolean {
  return nowMs - observedAtMs <= recentRuns * everyMs;
}

/** Reads the figures of the recent reports that decide about candidates. */
async function recentFigures(
  store: ReadFiguresOptions['figures'],
  candidates: readonly Candidate[],
  sinceMs: number,
): Promise<RecentFigures> {
  const metrics = new Set(candidates.map(({ metric }) => metric));
  const reports = await store.recentReports({
    clients: [...new Set(candidates.flatMap(({ references }) => references))],
    columns: statsColumnsOf(metrics),
    sinceMs,
    limit: lookedAt,
  });
  const ids = reports.map(({ statId }) => statId);
  const rowsOf = async (
    table: 'disk_stats' | 'network_stats',
    columns: readonly string[],
    isNeeded: boolean,
  ): Promise<ReadonlyMap<number, readonly FigureRow[]>> =>
    groupBy(isNeeded ? await store.subjects(table, ids, columns) : [], reportOf);
  const disks = await rowsOf('disk_stats', diskColumns, metrics.has('mount'));
  const networks = await rowsOf('network_stats', networkColumns, metrics.has('received') || metrics.has('sent'));
  const recent = groupBy(reports, ({ client }) => client);
  const figures = new Map(
    [...recent].map(([client, own]) => [
      client,
      own.map(({ statId, row: stats }) =>
        figuresOf({ stats, disks: disks.get(statId) ?? [], networks: networks.get(statId) ?? [] }),
      ),
    ]),
  );
  return (client) => figures.get(client) ?? [];
}
