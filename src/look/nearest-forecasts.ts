import { dayMs } from '../platform/units.ts';
import { forecastsLastMs, type LevelStore, type StoredForecast } from '../storage/store/level-store.ts';

/** The file system of a client that is foreseen to be full first. */
export interface NearestForecast {
  /** From now on; 0 is full. */
  readonly daysLeft: number;
  readonly mount: string;
  readonly resource: StoredForecast['kind'];
}

export type NearestForecasts = ReadonlyMap<string, NearestForecast>;

/** Reads the nearest forecast of each of these clients, `null`: of all. A client without one is left out. */
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

/** Returns a forecast from now on; null if it is too old. */
function forecastNow({ mount, kind, daysLeft, asOfMs }: StoredForecast, nowMs: number): NearestForecast | null {
  const agoMs = nowMs - asOfMs;
  if (agoMs > forecastsLastMs) return null;
  return { daysLeft: Math.max(0, daysLeft - Math.max(0, agoMs) / dayMs), mount, resource: kind };
}

/** Nearer forecasts are red. */
export const urgentDays = 2;

/** `/data`, `/srv (inodes)` */
export function forecastMountWords({ mount, resource }: Pick<NearestForecast, 'mount' | 'resource'>): string {
  return resource === 'inodes' ? `${mount} (inodes)` : mount;
}
