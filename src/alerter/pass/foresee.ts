import { forecastFleet, type MountForecast } from '../../forecast/fleet-forecast.ts';
import { farthestDays, historyDays } from '../../forecast/forecast.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import type { NewForecast } from '../../storage/store/level-store.ts';
import { watchedClients } from '../evaluate/load-rows.ts';
import { fleet, readFleetMemory } from './fleet-memory.ts';
import type { Pass } from './pass.ts';

/** Forecasts are made anew after this time, and in the first pass of a day. */
const everyMs = hourMs;
/** Clients whose levels are in memory at a time. */
const clientsAtATime = 1000;

/** Makes the forecasts anew if they are an hour old, and stores them. Stores nothing once the signal has aborted. */
export async function foresee(pass: Pass): Promise<void> {
  const { config, store, lease, nowMs } = pass;
  if (!isDue(await readFleetMemory(store), nowMs)) return;
  await lease.take();
  // Another alerter may have made them until then.
  const memory = await readFleetMemory(store);
  if (!isDue(memory, nowMs)) return;
  const forecasts = await makeForecasts(pass).catch((thrown: unknown) => {
    if (pass.signal.aborted) return null;
    throw thrown;
  });
  if (forecasts === null) return;
  const foreseen = { atMs: nowMs, configDigest: config.digest };
  await store.saveProcessed(await lease.take(), {
    statIds: [],
    visitIds: [],
    alerts: [],
    ruleStates: new Map([[fleet, { ...memory, foreseen }]]),
    forecasts: { asOfMs: nowMs, forecasts },
  });
}

/** True if the last forecasts are an hour old, of another day, or of a time that is still to come. */
function isDue({ foreseen }: RuleState, nowMs: number): boolean {
  return foreseen === undefined || Math.abs(nowMs - foreseen.atMs) >= everyMs || dayOf(nowMs) !== dayOf(foreseen.atMs);
}

/** Returns the number of a day of UTC. */
function dayOf(atMs: number): number {
  return Math.floor(atMs / dayMs);
}

/** Returns the forecasts of all clients of config.xml. Throws the signal's reason. */
async function makeForecasts({ config, store, signal }: Pass): Promise<readonly NewForecast[]> {
  const names = [...watchedClients(config).keys()];
  const made: NewForecast[] = [];
  for (let start = 0; start < names.length; start += clientsAtATime) {
    const chunk = names.slice(start, start + clientsAtATime);
    made.push(...forecastFleet(await store.levels(chunk, historyDays, signal), farthestDays).map(newForecast));
  }
  return made;
}

function newForecast({ client, mount, resource, forecast, sinceMs }: MountForecast): NewForecast {
  const { daysLeft, daysLow, daysHigh, shortDays, perDay } = forecast;
  return { client, mount, kind: resource, daysLeft, daysLow, daysHigh, shortDays, growthPerDay: perDay, sinceMs };
}
