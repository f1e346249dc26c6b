import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forecastFleet, forecastMount } from '../../../src/alerter/forecast/fleet-forecast.ts';
import { madeFleet, madeMount, todayMs } from './support/made-levels.ts';

const dayMs = 86_400_000;

test('forecasts are sorted by nearness, limited, and say what runs out', () => {
  const slow = madeMount((day) => 600 + 10 * day, 35, { client: 'b' });
  const fast = madeMount((day) => 900 + 10 * day, 35, { client: 'c', mount: '/data' });
  const inodes = madeMount(() => 500, 35, { client: 'a', inodes: (day) => 80 + day });
  const forecasts = forecastFleet(madeFleet(slow, fast, inodes), 30);
  assert.deepEqual(
    forecasts.map(({ client, mount, kind, daysLeft }) => ({ client, mount, kind, days: Math.round(daysLeft) })),
    [
      { client: 'c', mount: '/data', kind: 'space', days: 10 },
      { client: 'a', mount: '/', kind: 'inodes', days: 20 },
    ],
  );
  assert.equal(forecasts[0]?.sinceMs, todayMs - 34 * dayMs);
  assert.equal(forecastFleet(madeFleet(slow, fast, inodes), 45).length, 3);
});

test('equal forecasts are sorted by client and mount', () => {
  const grows = (day: number): number => 900 + 10 * day;
  const mounts = [
    madeMount(grows, 35, { client: 'b', mount: '/b' }),
    madeMount(grows, 35, { client: 'b', mount: '/a' }),
    madeMount(grows, 35, { client: 'a' }),
  ];
  const names = forecastFleet(madeFleet(...mounts), 30).map(({ client, mount }) => client + mount);
  assert.deepEqual(names, ['a/', 'b/a', 'b/b']);
});

test('what is available counts, not what the size would leave', () => {
  const mount = madeMount((day) => 500 + 10 * day, 35);
  mount.availableBytes.fill(50);
  assert.equal(forecastMount(mount, 'space', 34)?.daysLeft, 5);
});

test('before the first report of today the space of yesterday counts; before that there is none', () => {
  const mount = madeMount((day) => (day === 0 ? Number.NaN : 900 + 10 * day), 35);
  assert.equal(forecastMount(mount, 'space', 34)?.daysLeft, 11);
  mount.availableBytes.fill(Number.NaN, 33);
  assert.equal(forecastMount(mount, 'space', 34), null);
});

test('a past day is evaluated by its own past alone', () => {
  const mount = madeMount((day) => (day > -10 ? 100 : 900 + 10 * (day + 10)), 60);
  assert.equal(forecastMount(mount, 'space', 59), null);
  assert.equal(forecastMount(mount, 'space', 49)?.daysLeft, 10);
});
