/** Figures of groups as they are stored, and which of them are outliers. */
import type { Config } from '../config/config.ts';
import { groupBy } from '../platform/group-by.ts';
import { remembered } from '../platform/remembered.ts';
import type { FigureRow, FigureStore, RecentReport } from '../storage/store/figure-store.ts';
import {
  diskColumns,
  type Figures,
  figuresOf,
  mountKey,
  networkColumns,
  statsColumns,
  statsColumnsOf,
} from './client-figures.ts';
import type { ComparedGroup } from './compared-groups.ts';
import { type Candidate, candidatesOf, confirmed, type FigureOutlier, lookedAt } from './figure-outliers.ts';
import type { OutlierMetricName } from './outlier-metrics.ts';

/** A client that has not reported for so many times `every` is compared with nobody. */
const lateRuns = 3;
/** Reports before so many times `every` are no recent ones. */
export const recentRuns = 2 * lookedAt;

/** A group with the newest figures of its members. Members without a report of late are left out. */
export interface GroupFigures extends ComparedGroup {
  readonly newest: ReadonlyMap<string, Figures>;
  readonly outliers: readonly FigureOutlier[];
}

export interface ReadFiguresOptions {
  readonly config: Pick<Config, 'collector'>;
  readonly figures: Pick<FigureStore, 'newestSince' | 'recentReports' | 'subjects'>;
  readonly nowMs: number;
}

/** The figures of groups, and the rows of the mounts of their members. */
export interface ReadFigures {
  readonly groups: readonly GroupFigures[];
  readonly disksOf: ReadonlyMap<string, readonly FigureRow[]>;
}

/** Reads the newest figures of groups, and finds the outliers among them. */
export async function readFigures(
  { config, figures: store, nowMs }: ReadFiguresOptions,
  groups: readonly ComparedGroup[],
): Promise<ReadFigures> {
  const compared = new Set(groups.flatMap(({ clients }) => clients));
  const { everyMs } = config.collector;
  const newest = (await store.newestSince(statsColumns, nowMs - lateRuns * everyMs)).filter(({ client }) =>
    compared.has(client),
  );
  const rows = await withSubjects(store, newest, () => true);
  const figures = new Map(newest.map((report, index) => [report.client, rows[index]?.figures ?? new Map()]));
  const judged = groups.map((group) => {
    const own = chosen(figures, group.clients);
    return { ...group, newest: own, candidates: candidatesOf(own) };
  });
  const candidates = judged.flatMap((group) => group.candidates);
  const recent = await recentFigures(store, candidates, nowMs - recentRuns * everyMs);
  return {
    groups: judged.map(({ candidates: own, ...group }) => ({
      ...group,
      outliers: own.flatMap((candidate) => confirmed(group.group, candidate, recent) ?? []),
    })),
    disksOf: new Map(newest.map(({ client }, index) => [client, rows[index]?.disks ?? []])),
  };
}

/** True if a client with this newest report is compared. */
export function isFresh(observedAtMs: number, nowMs: number, everyMs: number): boolean {
  return nowMs - observedAtMs <= lateRuns * everyMs;
}

/** True if a report is one of those that decide. */
export function isRecent(observedAtMs: number, nowMs: number, everyMs: number): boolean {
  return nowMs - observedAtMs <= recentRuns * everyMs;
}

export function chosen<Value>(all: ReadonlyMap<string, Value>, clients: readonly string[]): ReadonlyMap<string, Value> {
  return new Map(
    clients.flatMap((client) => {
      const value = all.get(client);
      return value === undefined ? [] : [[client, value] as const];
    }),
  );
}

interface FullReport {
  readonly figures: Figures;
  readonly disks: readonly FigureRow[];
}

/** Returns the figures and the mounts of reports, in their order. */
async function withSubjects(
  store: ReadFiguresOptions['figures'],
  reports: readonly RecentReport[],
  needs: (metric: OutlierMetricName) => boolean,
): Promise<readonly FullReport[]> {
  const ids = reports.map(({ statId }) => statId);
  const byReport = ({ stat_id: id }: FigureRow): number => Number(id);
  const read = async (
    ...subjects: Parameters<FigureStore['subjects']>
  ): Promise<ReadonlyMap<number, readonly FigureRow[]>> => groupBy(await store.subjects(...subjects), byReport);
  const disksOf = await read('disk_stats', needs('mount') ? ids : [], diskColumns);
  const networksOf = await read('network_stats', needs('received') || needs('sent') ? ids : [], networkColumns);
  // A fleet has the same mounts thousands of times.
  const keyOf = remembered(mountKey);
  return reports.map(({ statId, row: stats }) => {
    const disks = disksOf.get(statId) ?? [];
    return { figures: figuresOf({ stats, disks, networks: networksOf.get(statId) ?? [] }, keyOf), disks };
  });
}

/** Returns the figures of the recent reports that decide about candidates, by client. */
async function recentFigures(
  store: ReadFiguresOptions['figures'],
  candidates: readonly Candidate[],
  sinceMs: number,
): Promise<ReadonlyMap<string, readonly Figures[]>> {
  const metrics = new Set(candidates.map(({ metric }) => metric));
  const reports = await store.recentReports({
    clients: [...new Set(candidates.flatMap(({ references }) => references))],
    columns: statsColumnsOf(metrics),
    sinceMs,
    limit: lookedAt,
  });
  const rows = await withSubjects(store, reports, (metric) => metrics.has(metric));
  const byClient = new Map<string, Figures[]>();
  for (const [index, { client }] of reports.entries()) {
    const figures = rows[index]?.figures ?? new Map<string, number>();
    const own = byClient.get(client);
    if (own === undefined) byClient.set(client, [figures]);
    else own.push(figures);
  }
  return byClient;
}
