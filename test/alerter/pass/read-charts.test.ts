/** The values that the charts of a mail draw: which alerts have one, and what is read of which store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { historyDays } from '../../../src/alerter/forecast/forecast.ts';
import { readCharts } from '../../../src/alerter/pass/read-charts.ts';
import { dayMs } from '../../../src/platform/units.ts';
import { times } from '../../support/times.ts';
import { configOf } from '../support/config-of.ts';
import { itemFor } from '../support/due-mails.ts';
import { at, day } from '../support/rows.ts';
import { memoryPass } from './support/memory-pass.ts';

const rules = ['cpu', 'disk', 'load', 'service', 'disk-full', 'inodes-full'];
const limits: Readonly<Record<string, string>> = { load: '4', service: '', 'disk-full': '7d', 'inodes-full': '7d' };
const elements = `<alerts><mail to="ops@example.org"/>${rules
  .map((type) => `<alert type="${type}" ${limits[type] === '' ? '' : `limit="${limits[type] ?? '90%'}"`}/>`)
  .join('')}</alerts><client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/>`;
const config = configOf(elements);
const item = (id: number, client: string, rule: string, subject: string) =>
  itemFor(config, { id, client, rule, subject, transition: 'firing' });

async function charted(items: Parameters<typeof readCharts>[1]) {
  const read: unknown[] = [];
  const mounts = [
    ...[
      ['web-1', '/a', [1, NaN, 3], [7, 8, 9]],
      ['web-2', '/a', [4, 5, 6], [10, 11, NaN]],
    ].map(([client, mount, used, inodes]) => ({ client, mount, usedBytes: used, inodesPercent: inodes })),
  ];
  const stores = {
    levels: {
      levels: (clients: unknown, days: number) => {
        read.push([clients, days]);
        return Promise.resolve({ todayMs: day, mounts });
      },
    },
    notifications: {
      series: (client: string, column: string, subject: string | null, fromMs: number) => {
        read.push([client, column, subject, fromMs]);
        return Promise.resolve([{ atMs: fromMs, value: 1 }]);
      },
    },
  };
  const { pass } = memoryPass({ elements, nowMs: at('10:06'), stores });
  return { charts: await readCharts(pass, items), read };
}

test('an alert over a column has the values of its subject, and one without a column has no chart', async () => {
  const items = [item(1, 'web-1', 'cpu', ''), item(2, 'web-2', 'disk', '/a')];
  const { charts, read } = await charted([...items, item(3, 'web-1', 'load', ''), item(4, 'web-1', 'service', 'x')]);
  assert.deepEqual([...charts.keys()], [1, 2]);
  const fromMs = (read[0] as readonly unknown[])[3];
  assert.deepEqual(read, [
    ['web-1', 'cpu_percent', null, fromMs],
    ['web-2', 'used_percent', '/a', fromMs],
  ]);
  assert.deepEqual(charts.get(1), [{ atMs: fromMs, value: 1 }]);
});

test('a forecast has the levels of its own mount, by day, and unknown ones are null', async () => {
  const items = [item(1, 'web-2', 'disk-full', '/a'), item(2, 'web-2', 'inodes-full', '/a')];
  const { charts, read } = await charted([...items, item(3, 'web-1', 'disk-full', '/gone')]);
  assert.deepEqual(read, [[['web-2', 'web-1'], historyDays]]);
  const points = (values: readonly (number | null)[]) =>
    values.map((value, index) => ({ atMs: day - (2 - index) * dayMs, value }));
  assert.deepEqual(
    [...charts],
    [
      [1, points([4, 5, 6])],
      [2, points([10, 11, null])],
    ],
  );
});

test('the first twenty alerts that may have a chart have one', async () => {
  const plain = times(3, (index) => item(index, 'web-1', 'service', `${index}.service`));
  const { charts } = await charted([
    ...plain,
    ...times(25, (index) => item(100 + index, 'web-1', 'disk', `/${index}`)),
  ]);
  assert.deepEqual(
    [...charts.keys()],
    times(20, (index) => 100 + index),
  );
});
