import type { Config } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import { type DiskRow, isFilledByGrowth } from '../../report/columns.ts';
import type { FleetLevels, LevelStore } from '../../storage/store/level-store.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { foreseenBy } from '../evaluate/rule-metric.ts';
import type { RowsUntil } from './replay-state.ts';

type DiskLevel = Pick<DiskRow, 'size_bytes' | 'available_bytes' | 'used_bytes' | 'inodes_percent'>;

/**
 * Follows the levels of the replay's current day in replayed rows: the stored levels are those of whole days. Reads and
 * keeps nothing if there is no rule of forecasts.
 */
export function followLevels({ clients }: Config, storage: Pick<Storage, 'evaluation' | 'levels'>) {
  const isForeseen = clients.some(({ rules }) => rules.some((rule) => foreseenBy(rule) !== null));
  let today = -Infinity;
  const byMount = new Map<string, DiskLevel>();
  const read = new Map<string, FleetLevels>();
  const enter = (day: number): void => {
    if (day <= today) return;
    today = day;
    byMount.clear();
    read.clear();
  };
  return {
    isForeseen,
    note: async ({ reports }: RowsUntil): Promise<void> => {
      if (!isForeseen || reports.length === 0) return;
      const disks = await storage.evaluation.disksOf(reports.map(({ id }) => id));
      for (const { id, client, observedAtMs } of reports) {
        const day = Math.floor(observedAtMs / dayMs);
        enter(day);
        if (day < today) continue;
        for (const disk of (disks.get(id) ?? []).filter(isFilledByGrowth)) {
          const key = `${client}\0${disk.mount}`;
          byMount.set(key, merged(byMount.get(key), disk));
        }
      }
    },
    /** Reads levels as they were known at `atMs`. The stored days of a client are read once a day. */
    levels: async (...[names, days, signal, atMs = 0]: Parameters<LevelStore['levels']>): Promise<FleetLevels> => {
      enter(Math.floor(atMs / dayMs));
      const key = `${days} ${names?.[0] ?? ''}`;
      const levels = read.get(key) ?? (await storage.levels.levels(names, days, signal, atMs));
      read.set(key, levels);
      for (const mount of levels.mounts) {
        const level = byMount.get(`${mount.client}\0${mount.mount}`);
        mount.sizeBytes[days - 1] = level?.size_bytes ?? Number.NaN;
        mount.availableBytes[days - 1] = level?.available_bytes ?? Number.NaN;
        mount.usedBytes[days - 1] = level?.used_bytes ?? Number.NaN;
        mount.inodesPercent[days - 1] = level?.inodes_percent ?? Number.NaN;
      }
      return levels;
    },
  };
}

/** Returns the level of a day after one more report of it, as storage merges them. */
function merged(before: DiskLevel | undefined, disk: DiskRow): DiskLevel {
  const { size_bytes, available_bytes, used_bytes, inodes_percent } = disk;
  return {
    size_bytes: size_bytes ?? before?.size_bytes ?? null,
    available_bytes: available_bytes ?? before?.available_bytes ?? null,
    used_bytes: greatest(before?.used_bytes, used_bytes),
    inodes_percent: greatest(before?.inodes_percent, inodes_percent),
  };
}

function greatest(one: number | null = null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
