/** Outliers of the fleet: members of a group that differ from the others in figures, system, hardware or mounts. */
import type { Config } from '../../config/config.ts';
import type { FigureStore } from '../../storage/store/figure-store.ts';
import { compareText } from '../../text/compare-text.ts';
import { type ComparedGroup, comparedGroups } from './compared-groups.ts';
import type { FigureOutlier } from './figure-outliers.ts';
import { type ClientKind, type KindOutlier, kindOutliers } from './kind-outliers.ts';
import { readFigures } from './read-figures.ts';

export interface FleetOutliersOptions {
  readonly config: Pick<Config, 'clients' | 'collector'>;
  readonly figures: FigureStore;
  /** Names or patterns of groups; null stands for all, see comparedGroups. */
  readonly groups: readonly string[] | null;
  readonly nowMs: number;
}

export interface FleetOutliers {
  /** The groups that were compared. */
  readonly groups: readonly ComparedGroup[];
  /** The furthest first. */
  readonly figures: readonly FigureOutlier[];
  /** The outliers in the order of the groups. */
  readonly kinds: readonly KindOutlier[];
}

/** The outliers if nothing was compared. */
export const noOutliers: FleetOutliers = { groups: [], figures: [], kinds: [] };

/** Reads the current outliers. Throws FleetError `usage` for a name that fits no group. */
export async function fleetOutliers(options: FleetOutliersOptions): Promise<FleetOutliers> {
  const { config, figures: store } = options;
  const groups = comparedGroups(config, options.groups);
  if (groups.length === 0) return noOutliers;
  const read = await readFigures(options, groups);
  const kinds = await readKinds(store, read.mountsOf);
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
    kinds: groups.flatMap(({ group, clients }) =>
      kindOutliers(
        group,
        clients.flatMap((client) => kinds.get(client) ?? []),
      ),
    ),
  };
}

/** Reads the system, hardware and mounts of clients. `mountsOf` lacks memory file systems, which belong to sessions. */
async function readKinds(
  store: FigureStore,
  mountsOf: ReadonlyMap<string, readonly string[]>,
): Promise<ReadonlyMap<string, ClientKind>> {
  const kinds = new Map<string, ClientKind>();
  for (const { os, osVersion, ...kind } of await store.inventoryKinds()) {
    const system = [os, osVersion].filter(Boolean).join(' ') || null;
    kinds.set(kind.client, { ...kind, os: system, mounts: mountsOf.get(kind.client) ?? null });
  }
  const unknown = { os: null, kernel: null, architecture: null, cpus: null, memoryBytes: null };
  for (const [client, mounts] of mountsOf) {
    if (!kinds.has(client)) kinds.set(client, { client, mounts, ...unknown });
  }
  return kinds;
}
