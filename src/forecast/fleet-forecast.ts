import { dayMs } from '../platform/units.ts';
import type { FleetLevels, MountLevels } from '../storage/store/level-store.ts';
import { type DayLevel, type Forecast, forecast, historyDays } from './forecast.ts';

/** The part of a file system that runs out. */
export type Resource = 'space' | 'inodes';
export const resources = ['space', 'inodes'] as const satisfies readonly Resource[];

/** The forecast of a mount. Its unit is bytes, or percent for inodes. */
export interface MountForecast {
  readonly client: string;
  readonly mount: string;
  readonly resource: Resource;
  readonly forecast: Forecast;
  /** The beginning of the day on which the growth began, UTC. */
  readonly sinceMs: number;
}

/** Returns the forecasts of mounts that are full within `withinDays`, the nearest first. */
export function forecastFleet({ todayMs, mounts }: FleetLevels, withinDays: number): readonly MountForecast[] {
  const found = mounts.flatMap((mount) =>
    resources.flatMap((resource): readonly MountForecast[] => {
      const foreseen = forecastMount(mount, resource, mount.usedBytes.length - 1);
      if (foreseen === null || foreseen.daysLeft > withinDays) return [];
      const { client, mount: name } = mount;
      return [{ client, mount: name, resource, forecast: foreseen, sinceMs: todayMs - foreseen.sinceDays * dayMs }];
    }),
  );
  return found.sort(
    (one, other) =>
      one.forecast.daysLeft - other.forecast.daysLeft ||
      compare(one.client, other.client) ||
      compare(one.mount, other.mount),
  );
}

/** Returns the forecast at the end of the day with index `today`, from the levels until then; null if there is none. */
export function forecastMount(mount: MountLevels, resource: Resource, today: number): Forecast | null {
  const used = resource === 'space' ? mount.usedBytes : mount.inodesPercent;
  const first = Math.max(0, today - historyDays + 1);
  if (!mayGrow(used, first, today)) return null;
  const days: (DayLevel | null)[] = [];
  for (let day = first; day <= today; day += 1) {
    const size = resource === 'space' ? mount.sizeBytes[day] : 100;
    const level = used[day];
    const isKnown = level !== undefined && size !== undefined && level >= 0 && size > 0;
    days.push(isKnown ? { used: level, size } : null);
  }
  const available = resource === 'space' ? newestKnown(mount.availableBytes, today) : 100 - newestKnown(used, today);
  return Number.isNaN(available) ? null : forecast(days, available);
}

/** True if a level ever changed. Most mounts need no further work. */
function mayGrow(used: Float64Array, first: number, today: number): boolean {
  let least = Infinity;
  let most = -Infinity;
  for (let day = first; day <= today; day += 1) {
    const level = used[day] ?? Number.NaN;
    if (level < least) least = level;
    if (level > most) most = level;
  }
  return most > least;
}

function newestKnown(values: Float64Array, today: number): number {
  const newest = values[today] ?? Number.NaN;
  return Number.isNaN(newest) ? (values[today - 1] ?? Number.NaN) : newest;
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
