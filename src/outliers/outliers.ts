/** Outliers of the fleet: members of a group that differ from the others, in their figures or in what they are made of. */
import type { Config } from '../config/config.ts';
import type { FigureRow, FigureStore } from '../storage/store/figure-store.ts';
import { compareText } from '../text/compare-text.ts';
import { type ComparedGroup, comparedGroups } from './compared-groups.ts';
import type { FigureOutlier } from './figure-outliers.ts';
import { type ClientKind, type KindOutlier, kindOutliers } from './kind-outliers.ts';
import { chosen, readFigures } from './read-figures.ts';

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
  const { config, figures: store } = options;
  const groups = comparedGroups(config, options.groups);
  if (groups.length === 0) return noOutliers;
  const read = await readFigures(options, groups);
  const kinds = await readKinds(store, read.disksOf);
  return {
    groups,
    figures: read.groups
      .flatMap(({ outliers }) => outliers)
      .sort(
        (one, other) =>
          Math.abs(other.score) - Math.abs(one.score) ||
          compareText(one.client, other.client) ||
          compareText(one.metric + one.subject, other.metric + other.subject),
      ),
    kinds: groups.flatMap(({ group, clients }) => kindOutliers(group, [...chosen(kinds, clients).values()])),
  };
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
