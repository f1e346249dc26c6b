import { dayMs } from '../../platform/units.ts';
import type { FleetLevels, MountLevels, NewForecast } from '../../storage/store/level-store.ts';
import { compareText } from '../../text/compare-text.ts';
import { type DayLevel, type Forecast, forecast, historyDays } from './forecast.ts';

/** The parts of a file system that run out. */
export const resources = ['space', 'inodes'] as const;
export type Resource = (typeof resources)[number];

/** Returns the forecasts of mounts that are full within `withinDays`, the nearest first. */
export function forecastFleet({ todayMs, mounts }: FleetLevels, withinDays: number): readonly NewForecast[] {
  const found = mounts.flatMap((mount) =>
    resources.flatMap((kind): readonly NewForecast[] => {
      const foreseen = forecastMount(mount, kind, mount.usedBytes.length - 1);
      if (foreseen === null || foreseen.daysLeft > withinDays) return [];
      const { sinceDays, ...days } = foreseen;
      return [{ client: mount.client, mount: mount.mount, kind, ...days, sinceMs: todayMs - sinceDays * dayMs }];
    }),
  );
  return found.sort(
    (one, other) =>
      one.daysLeft - other.daysLeft || compareText(one.client, other.client) || compareText(one.mount, other.mount),
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
