import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forecastMountWords, nearestForecasts } from '../../../src/look/data/nearest-forecasts.ts';
import type { StoredForecast } from '../../../src/storage/store/level-store.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 20);

function forecastOf(client: string, daysLeft: number, more: Partial<StoredForecast> = {}): StoredForecast {
  const range = { daysLow: daysLeft, daysHigh: null, shortDays: null, growthPerDay: 1, sinceMs: nowMs };
  return { client, mount: '/', kind: 'space', daysLeft, ...range, asOfMs: nowMs, ...more };
}

async function nearest(...forecasts: readonly StoredForecast[]) {
  return await nearestForecasts({ forecasts: () => Promise.resolve(forecasts) }, null, nowMs);
}

test('the first forecast of a client counts, from now on', async () => {
  const found = await nearest(
    forecastOf('web-1', 6, { asOfMs: nowMs - dayMs / 2, kind: 'inodes' }),
    forecastOf('web-1', 7, { mount: '/data' }),
    forecastOf('web-2', 0.2, { asOfMs: nowMs - dayMs / 2 }),
    forecastOf('web-3', 3, { asOfMs: nowMs + dayMs }),
  );
  assert.deepEqual(
    [...found].map(([client, { daysLeft, mount }]) => ({ client, daysLeft, mount })),
    [
      { client: 'web-1', daysLeft: 5.5, mount: '/' },
      { client: 'web-2', daysLeft: 0, mount: '/' },
      { client: 'web-3', daysLeft: 3, mount: '/' },
    ],
  );
  const [first] = found.values();
  assert.equal(first && forecastMountWords(first), '/ (inodes)');
});

test('forecasts of an alerter that no longer runs are none, and neither are those before the first run', async () => {
  assert.equal((await nearest(forecastOf('web-1', 6, { asOfMs: nowMs - 2.1 * dayMs }))).size, 0);
  assert.equal((await nearestForecasts(null, null, nowMs)).size, 0);
});
