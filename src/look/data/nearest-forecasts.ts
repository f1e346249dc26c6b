import { dayMs } from '../../platform/units.ts';
import {
  forecastsLastMs,
  type LevelStore,
  type NewForecast,
  type StoredForecast,
} from '../../storage/store/level-store.ts';
import { describeAge } from '../../text/durations.ts';
import { describeSize, rounded } from '../../text/numbers.ts';

/** The file system of a client that is forecast to be full first. Its days count from now. */
export type NearestForecast = Pick<StoredForecast, 'daysLeft' | 'mount' | 'kind'>;

export type NearestForecasts = ReadonlyMap<string, NearestForecast>;

/** Reads the nearest forecast of each of these clients, or of all if `clients` is null. Omits clients without one. */
export async function nearestForecasts(
  levels: Pick<LevelStore, 'forecasts'> | null,
  clients: readonly string[] | null,
  nowMs: number,
): Promise<NearestForecasts> {
  const nearest = new Map<string, NearestForecast>();
  for (const stored of (await levels?.forecasts(clients)) ?? []) {
    const forecast = forecastNow(stored, nowMs);
    if (forecast !== null && !nearest.has(stored.client)) nearest.set(stored.client, forecast);
  }
  return nearest;
}

/** Returns a forecast counted from now; null if it is too old. */
function forecastNow({ mount, kind, daysLeft, asOfMs }: StoredForecast, nowMs: number): NearestForecast | null {
  const agoMs = nowMs - asOfMs;
  if (agoMs > forecastsLastMs) return null;
  return { daysLeft: Math.max(0, daysLeft - Math.max(0, agoMs) / dayMs), mount, kind };
}

/** The days below which a forecast is shown in red. */
export const urgentDays = 2;

/** Formats the mount of a forecast: `/data`, `/srv (inodes)`. */
export function forecastMountWords({ mount, kind }: Pick<NearestForecast, 'mount' | 'kind'>): string {
  return kind === 'inodes' ? `${mount} (inodes)` : mount;
}

/** Returns a sentence: `/data will be full in about 6d (5d to 8d): it grows 11 GiB a day since 2026-11-14.` */
export function forecastSentence(foreseen: NewForecast): string {
  const fullIn = describeAge(foreseen.daysLeft * dayMs);
  const growth = `it grows ${growthWords(foreseen)} a day since ${dayOf(foreseen.sinceMs)}`;
  return `${forecastMountWords(foreseen)} will be full in about ${fullIn} (${rangeWords(foreseen)}): ${growth}.`;
}

/** Returns the day in UTC. */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** Returns the days within which a file system is full: `5d to 8d`, `5d or more`. */
export function rangeWords({ daysLow, daysHigh }: NewForecast): string {
  const low = describeAge(daysLow * dayMs);
  return daysHigh === null ? `${low} or more` : `${low} to ${describeAge(daysHigh * dayMs)}`;
}

/** Returns the growth of a day: `11 GiB`, or `0.5 %` of the inodes. */
export function growthWords({ growthPerDay, kind }: NewForecast): string {
  return kind === 'inodes' ? `${rounded(growthPerDay, 2)} %` : describeSize(growthPerDay);
}
