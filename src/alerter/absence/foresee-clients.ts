import { append, groupBy } from '../../platform/group-by.ts';
import type { Config } from '../../config/config.ts';
import { forecastFleet } from '../forecast/fleet-forecast.ts';
import { farthestDays, historyDays } from '../forecast/forecast.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { LevelStore, MountLevels, NewForecast } from '../../storage/store/level-store.ts';
import { watchedClients } from '../evaluate/load-rows.ts';
import { evaluateForecasts } from './evaluate-forecasts.ts';

export interface ForeseeClientsOptions {
  readonly config: Config;
  readonly levels: Pick<LevelStore, 'levels'>;
  /** All open alerts. */
  readonly alerts: readonly Alert[];
  readonly nowMs: number;
  /** The day of the last level that counts. Default: the database's today. */
  readonly todayMs?: number;
  /** See EvaluateForecastsOptions. */
  readonly isDaily: boolean;
  readonly signal: AbortSignal;
}

/** Forecasts, and the new and changed alerts that follow from them. */
export interface Foreseen {
  readonly forecasts: readonly NewForecast[];
  readonly alerts: readonly Alert[];
}

/** Clients whose levels are in memory at a time. */
const clientsAtATime = 1000;

/** Makes the forecasts of all clients of config.xml, and evaluates them. Throws the signal's reason. */
export async function foreseeClients(options: ForeseeClientsOptions): Promise<Foreseen> {
  const { config, levels: store, nowMs, todayMs, isDaily, signal } = options;
  const clients = [...watchedClients(config).values()];
  const alertsOf = groupBy(options.alerts, ({ client }) => client);
  const reader = { zone: config.alerts.zone, nowMs };
  const found = { forecasts: [] as NewForecast[], alerts: [] as Alert[] };
  for (let start = 0; start < clients.length; start += clientsAtATime) {
    const chunk = clients.slice(start, start + clientsAtATime);
    const levels = await store.levels(
      chunk.map(({ name }) => name),
      historyDays,
      signal,
      todayMs,
    );
    const forecasts = forecastFleet(levels, farthestDays);
    const forecastsOf = groupBy(forecasts, ({ client }) => client);
    const levelsOf = groupBy(levels.mounts, ({ client }) => client);
    for (const client of chunk) {
      const alerts = alertsOf.get(client.name) ?? [];
      const own = forecastsOf.get(client.name) ?? [];
      if (own.length + alerts.length === 0) continue;
      const known = knownMounts(levelsOf.get(client.name) ?? []);
      append(found.alerts, evaluateForecasts({ client, alerts, forecasts: own, known, reader, isDaily }));
    }
    append(found.forecasts, forecasts);
  }
  return found;
}

/** Returns the mounts whose levels are known today or yesterday. */
function knownMounts(mounts: readonly MountLevels[]): Readonly<Record<NewForecast['kind'], readonly string[]>> {
  const known = (levelsOf: (mount: MountLevels) => Float64Array): readonly string[] =>
    mounts.flatMap((one) =>
      levelsOf(one)
        .slice(-2)
        .some((level) => !Number.isNaN(level))
        ? [one.mount]
        : [],
    );
  return { space: known(({ usedBytes }) => usedBytes), inodes: known(({ inodesPercent }) => inodesPercent) };
}
