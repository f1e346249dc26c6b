/** src/alerter/forecast: when file systems will be full, from levels by the day. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { FleetLevels, MountLevels } from '../../storage/store/level-store.ts';
import { forecastMount, type Resource, resources } from './fleet-forecast.ts';

/** The share of its size from which a file system counts as full here: people act before the last byte. */
const fullShare = 0.95;
/** The share beyond which there is no time left. */
const lastShare = 0.99;
/** A forecast is right if the file system is full between these multiples of the foreseen days. */
const [soonest, latest] = [0.5, 1.6];

/** The results of forecasts of past days. A forecast is of one mount, resource and day. */
export interface BacktestCounts {
  /** Forecasts that were made. */
  readonly spoke: number;
  readonly right: number;
  /** The file system was not full in the foreseen time. */
  readonly wrong: number;
  /** The file system was full long before the foreseen time. */
  readonly late: number;
  /** The result is not known yet. */
  readonly open: number;
  /** File systems that became full, and were not foreseen on any day of the week before. */
  readonly missed: number;
}

const unforeseenDays = 7;
/** The mounts that are evaluated between two checks of the signal. */
const atATime = 100;

export interface BacktestOptions {
  /** Past days whose forecasts are made again. */
  readonly days: number;
  /** Forecasts of more days do not count. */
  readonly withinDays: number;
  readonly signal: AbortSignal;
}

/** Makes the forecasts of past days again, and compares them with the later levels. Throws the signal's reason. */
export async function backtest({ mounts }: FleetLevels, options: BacktestOptions): Promise<BacktestCounts> {
  const counts = { spoke: 0, right: 0, wrong: 0, late: 0, open: 0, missed: 0 };
  for (const [index, mount] of mounts.entries()) {
    for (const resource of resources) addMount(counts, mount, resource, options);
    if (index % atATime === 0) await nextTurn();
    options.signal.throwIfAborted();
  }
  return counts;
}

function addMount(
  counts: { -readonly [Key in keyof BacktestCounts]: number },
  mount: MountLevels,
  resource: Resource,
  { days, withinDays }: BacktestOptions,
): void {
  const today = mount.usedBytes.length - 1;
  const firstDay = Math.max(0, today - days);
  let spokeAt = -Infinity;
  for (let day = firstDay; day <= today; day += 1) {
    const wasFull = day > 0 && isFull(mount, resource, day - 1);
    if (isFull(mount, resource, day)) {
      // A file system that is full from the beginning could not have been foreseen.
      const isNew = day > firstDay && !wasFull;
      if (isNew && day - spokeAt > unforeseenDays) counts.missed += 1;
      continue;
    }
    const daysLeft = day === today ? null : (forecastMount(mount, resource, day)?.daysLeft ?? null);
    if (daysLeft === null || daysLeft > withinDays) continue;
    spokeAt = day;
    counts.spoke += 1;
    counts[verdict(mount, resource, day, daysLeft)] += 1;
  }
}

function verdict(
  mount: MountLevels,
  resource: Resource,
  day: number,
  daysLeft: number,
): 'right' | 'wrong' | 'late' | 'open' {
  const today = mount.usedBytes.length - 1;
  // Levels are those of whole days.
  const end = day + Math.ceil(daysLeft * latest);
  for (let later = day + 1; later <= Math.min(end, today); later += 1) {
    const isSoon = later - day < Math.floor(daysLeft * soonest);
    if (isSoon && isFull(mount, resource, later, lastShare)) return 'late';
    if (!isSoon && isFull(mount, resource, later)) return 'right';
  }
  return end <= today ? 'wrong' : 'open';
}

/** True if the file system was full at some time of the day; false if that is unknown. */
function isFull(mount: MountLevels, resource: Resource, day: number, share = fullShare): boolean {
  const { sizeBytes, usedBytes, availableBytes, inodesPercent } = mount;
  if (resource === 'inodes') return (inodesPercent[day] ?? 0) >= 100 * share;
  const used = usedBytes[day] ?? Number.NaN;
  // Blocks that are reserved are neither used nor available.
  return used / Math.min(sizeBytes[day] ?? Number.NaN, used + (availableBytes[day] ?? Number.NaN)) >= share;
}
