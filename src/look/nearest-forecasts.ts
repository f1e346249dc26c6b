import { dayMs } from '../platform/units.ts';
import type { LevelStore, StoredForecast } from '../storage/store/level-store.ts';

/** Forecasts are made every hour; older ones are of an alerter that no longer runs. */
const staleMs = 2 * dayMs;

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
  for (const { client, mount, kind, daysLeft, asOfMs } of (await levels?.forecasts(clients)) ?? []) {
    const agoMs = nowMs - asOfMs;
    if (nearest.has(client) || agoMs > staleMs) continue;
    nearest.set(client, { daysLeft: Math.max(0, daysLeft - Math.max(0, agoMs) / dayMs), mount, resource: kind });
  }
  return nearest;
}

/** `/data`, `/srv (inodes)` */
export function forecastMountWords({ mount, resource }: NearestForecast): string {
  return resource === 'inodes' ? `${mount} (inodes)` : mount;
}
