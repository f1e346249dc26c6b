/** Outliers of the fleet: members of a group that differ from the others, in their figures or in what they are made of. */
import type { Config } from '../config/config.ts';
import { groupBy } from '../platform/group-by.ts';
import type { FigureRow, FigureStore, RecentReport } from '../storage/store/figure-store.ts';
import { compareText } from '../text/compare-text.ts';
import { diskColumns, type Figures, figuresOf, networkColumns, statsColumns } from './client-figures.ts';
import { type ComparedGroup, comparedGroups } from './compared-groups.ts';
import type { OutlierMetricName } from './outlier-metrics.ts';
import { type Candidate, candidatesOf, confirmed, type FigureOutlier, lookedAt } from './figure-outliers.ts';
import { type ClientKind, type KindOutlier, kindOutliers } from './kind-outliers.ts';

/** A client that has not reported for so many times `every` is compared with nobody. */
const lateRuns = 3;
/** Reports before so many times `every` are no recent ones. */
const recentRuns = 2 * lookedAt;

export interface FleetOutliersOptions {
  readonly config: Pick<Config, 'clients' | 'collector'>;
  readonly figures: FigureStore;
  /** Names or patterns of groups; null: all, see comparedGroups. */
  readonly groups: readonly string[] | null;
  readonly nowMs: number;
}

export interface FleetOutliers {
  /** The groups that were compared. */
  readonly groups: readonly ComparedGroup[];
  /** The furthest first. */
  readonly figures: readonly FigureOutlier[];
  /** In the order of the groups. */
  readonly kinds: readonly KindOutlier[];
}

/** Nothing was compared. */
export const noOutliers: FleetOutliers = { groups: [], figures: [], kinds: [] };

/** Reads the outliers of now. Throws FleetError `usage` for a group that is none. */
export async function fleetOutliers(options: FleetOutliersOptions): Promise<FleetOutliers> {
  const { config, figures: store, nowMs } = options;
  const groups = comparedGroups(config, options.groups);
  if (groups.length === 0) return noOutliers;
  const compared = new Set(groups.flatMap(({ clients }) => clients));
  const { everyMs } = config.collector;
  const newest = (await store.newestReports(statsColumns)).flatMap(({ client, statId, observedAtMs, row }) => {
    const isFresh = statId !== null && observedAtMs !== null && nowMs - observedAtMs <= lateRuns * everyMs;
    return isFresh && compared.has(client) ? [{ client, statId, observedAtMs, row }] : [];
  });
  const rows = await withSubjects(store, newest, () => true);
  const figures = new Map(newest.map((report, index) => [report.client, rows[index]?.figures ?? new Map()]));
  const candidates = groups.flatMap(({ group, clients }) =>
    candidatesOf(chosen(figures, clients)).map((candidate) => ({ group, candidate })),
  );
  const references = new Set(candidates.flatMap(({ candidate }) => candidate.references));
  const earlier = await store.recentReports([...references], statsColumns, lookedAt);
  const recent = await recentFigures(
    store,
    earlier.filter(({ observedAtMs }) => nowMs - observedAtMs <= recentRuns * everyMs),
    candidates.map(({ candidate }) => candidate),
  );
  const kinds = await readKinds(store, new Map(newest.map(({ client }, index) => [client, rows[index]?.disks ?? []])));
  return {
    groups,
    figures: candidates
      .flatMap(({ group, candidate }) => confirmed(group, candidate, recent) ?? [])
      .sort(
        (one, other) =>
          Math.abs(other.score) - Math.abs(one.score) ||
          compareText(one.client, other.client) ||
          compareText(one.metric + one.subject, other.metric + other.subject),
      ),
    kinds: groups.flatMap(({ group, clients }) => kindOutliers(group, [...chosen(kinds, clients).values()])),
  };
}

function chosen<Value>(all: ReadonlyMap<string, Value>, clients: readonly string[]): ReadonlyMap<string, Value> {
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
  store: FigureStore,
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
  return reports.map(({ statId, row: stats }) => {
    const disks = disksOf.get(statId) ?? [];
    return { figures: figuresOf({ stats, disks, networks: networksOf.get(statId) ?? [] }), disks };
  });
}

async function recentFigures(
  store: FigureStore,
  reports: readonly RecentReport[],
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, readonly Figures[]>> {
  const metrics = new Set(candidates.map(({ metric }) => metric));
  const rows = await withSubjects(store, reports, (metric) => metrics.has(metric));
  const byClient = groupBy(
    reports.map(({ client }, index) => ({ client, figures: rows[index]?.figures ?? new Map<string, number>() })),
    ({ client }) => client,
  );
  return new Map([...byClient].map(([client, own]) => [client, own.map(({ figures }) => figures)]));
}

/** Reads what clients are made of. Memory file systems belong to sessions, not to the machine. */
async function readKinds(
  store: FigureStore,
  disksOf: ReadonlyMap<string, readonly FigureRow[]>,
): Promise<ReadonlyMap<string, ClientKind>> {
  const inventories = new Map((await store.inventoryKinds()).map((kind) => [kind.client, kind]));
  return new Map(
    [...new Set([...disksOf.keys(), ...inventories.keys()])].map((client) => {
      const kind = inventories.get(client);
      const disks = disksOf.get(client);
      const mounted = disks?.filter(({ fstype, mode }) => fstype !== 'tmpfs' && mode !== 'missing');
      return [
        client,
        {
          client,
          os: [kind?.os, kind?.osVersion].filter(Boolean).join(' ') || null,
          kernel: kind?.kernel ?? null,
          architecture: kind?.architecture ?? null,
          cpus: kind?.cpus ?? null,
          memoryBytes: kind?.memoryBytes ?? null,
          mounts:
            mounted === undefined || mounted.length === 0 ? null : new Set(mounted.map(({ mount }) => String(mount))),
        },
      ];
    }),
  );
}
