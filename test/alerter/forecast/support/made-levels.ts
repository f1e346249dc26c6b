import type { FleetLevels, MountLevels } from '../../../../src/storage/store/level-store.ts';

/** The beginning of today for made levels. */
export const todayMs = Date.UTC(2026, 10, 20);

const size = 1000;

/** Makes a mount with these used bytes by day; day 0 is today. NaN is unknown. */
export function madeMount(
  used: (day: number) => number,
  days: number,
  { client = 'web-1', mount = '/', inodes = (): number => Number.NaN }: MadeMount = {},
): MountLevels {
  const series = (of: (day: number) => number): Float64Array =>
    Float64Array.from({ length: days }, (_, index) => of(index - days + 1));
  return {
    client,
    mount,
    usedBytes: series(used),
    sizeBytes: series((day) => (Number.isNaN(used(day)) ? Number.NaN : size)),
    availableBytes: series((day) => size - used(day)),
    inodesPercent: series(inodes),
  };
}

interface MadeMount {
  readonly client?: string;
  readonly mount?: string;
  readonly inodes?: (day: number) => number;
}

export function madeFleet(...mounts: readonly MountLevels[]): FleetLevels {
  return { todayMs, mounts };
}
