import { dayMs } from '../../platform/units.ts';
import { forecastsLastMs, type LevelStore, type StoredForecast } from '../../storage/store/level-store.ts';

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

/** Reads the forecasts of a client, the nearest first. */
export async function clientForecasts(
  levels: Pick<LevelStore, 'forecasts'>,
  client: string,
  nowMs: number,
): Promise<readonly NearestForecast[]> {
  const stored = await levels.forecasts([client]);
  return stored.map((one) => forecastNow(one, nowMs)).filter((one) => one !== null);
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
