import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  type Figures,
  figureOf,
  figuresOf,
  statsColumns,
  statsColumnsOf,
} from '../../../src/alerter/outliers/client-figures.ts';
import { outlierMetrics } from '../../../src/alerter/outliers/outlier-metrics.ts';
import { valuesOf } from '../../../src/alerter/outliers/group-values.ts';
import {
  candidatesOf,
  confirmed,
  type FigureOutlier,
  type RecentFigures,
} from '../../../src/alerter/outliers/figure-outliers.ts';
import { times } from '../../support/times.ts';

/** Reports of clients, newest first: the value of a figure in each report, null if unknown. */
type Series = Readonly<Record<string, readonly (number | null)[]>>;

function outliers(series: Series, key = 'cpu:'): readonly FigureOutlier[] {
  const figures = (value: number | null): Figures => new Map(value === null ? [] : [[key, value]]);
  const recent = new Map(Object.entries(series).map(([client, values]) => [client, values.map(figures)]));
  const newest = new Map([...recent].map(([client, [first]]) => [client, first ?? new Map<string, number>()]));
  const recentOf: RecentFigures = (client) => recent.get(client) ?? [];
  return candidatesOf(valuesOf(newest)).flatMap((candidate) => confirmed('web', candidate, recentOf) ?? []);
}

const calm = times(12, () => 10);
const busy = times(12, () => 90);
/** Returns members with the same calm figures. */
const others = (count: number, values: readonly (number | null)[] = calm): Series =>
  Object.fromEntries(times(count, (index) => [`web-${index}`, values]));

test('a member far from the others is named with its figure, the median and its reports', () => {
  assert.deepEqual(outliers({ ...others(4), odd: busy }), [
    {
      ...{ group: 'web', client: 'odd', metric: 'cpu', subject: '', value: 90, median: 10 },
      ...{ score: 0.6745 * 80, rows: 12, of: 12 },
    },
  ]);
});

for (const { what, series, found } of [
  { what: 'nothing differs', series: others(6), found: 0 },
  { what: 'a group of four has no middle', series: { ...others(3), odd: busy }, found: 0 },
  {
    what: 'too near in the unit, however equal the others',
    series: { ...others(9), odd: times(12, () => 29) },
    found: 0,
  },
  { what: 'just far enough', series: { ...others(9), odd: times(12, () => 30) }, found: 1 },
  { what: 'a low figure is an outlier too', series: { ...others(9, busy), odd: calm }, found: 1 },
  { what: '8 of 12', series: { ...others(9), odd: [...times(8, () => 90), ...times(4, () => 10)] }, found: 0 },
  { what: '9 of 12', series: { ...others(9), odd: [...times(9, () => 90), ...times(3, () => 10)] }, found: 1 },
  {
    what: 'a thirteenth report does not count',
    series: { ...others(9, [...calm, 10]), odd: [...times(8, () => 90), ...times(4, () => 10), 90] },
    found: 0,
  },
  { what: 'none any more', series: { ...others(9), odd: [10, ...times(11, () => 90)] }, found: 0 },
  { what: '9 of 9 reports', series: { ...others(9), odd: times(9, () => 90) }, found: 1 },
  { what: '8 of 8 reports', series: { ...others(9), odd: times(8, () => 90) }, found: 0 },
  {
    what: 'unknown figures are none',
    series: { ...others(9), odd: busy.map((value, at) => (at < 4 && at > 0 ? null : value)) },
    found: 1,
  },
  {
    what: 'too many unknown',
    series: { ...others(9), odd: busy.map((value, at) => (at < 5 && at > 0 ? null : value)) },
    found: 0,
  },
  { what: 'all were high until the newest report', series: { ...others(9, [10, ...busy]), odd: busy }, found: 0 },
  {
    what: 'a wide group has no outlier',
    series: { ...Object.fromEntries(times(9, (n) => [`w${n}`, times(12, () => n * 10)])), odd: busy },
    found: 0,
  },
] as const satisfies readonly { readonly what: string; readonly series: Series; readonly found: number }[]) {
  test(`outliers of figures: ${what}`, () => {
    assert.equal(outliers(series).length, found);
  });
}

const warm = (degrees: number): readonly number[] => times(12, () => degrees);
const none = times(12, () => null);
/** A rack whose machines are one degree apart from each other. */
const rack = Object.fromEntries(times(9, (index) => [`web-${index}`, warm(44 + index)]));
for (const { what, series, found } of [
  { what: 'a fan failed', series: { ...rack, odd: warm(78) }, found: ['odd'] },
  { what: 'warmer than the others, as at the top of a rack', series: { ...rack, odd: warm(60) }, found: [] },
  { what: '14 degrees, the others all alike', series: { ...others(9, warm(48)), odd: warm(62) }, found: [] },
  { what: '15 degrees, the others all alike', series: { ...others(9, warm(48)), odd: warm(63) }, found: ['odd'] },
  { what: 'just after the boot of a cold machine', series: { ...rack, odd: warm(12) }, found: ['odd'] },
  { what: 'hot in 8 reports', series: { ...rack, odd: [...warm(78).slice(4), ...warm(48).slice(8)] }, found: [] },
  {
    what: 'machines without sensors are not compared',
    series: { ...rack, ...{ 'vm-1': none, 'vm-2': none }, odd: warm(78) },
    found: ['odd'],
  },
  {
    what: 'too few have sensors',
    series: { ...others(4, none), a: warm(40), b: warm(40), c: warm(40), odd: warm(90) },
    found: [],
  },
  { what: 'below zero', series: { ...others(9, warm(-20)), odd: warm(5) }, found: ['odd'] },
  { what: 'its sensors fell silent', series: { ...rack, odd: [null, ...warm(78)] }, found: [] },
] as const satisfies readonly { readonly what: string; readonly series: Series; readonly found: readonly string[] }[]) {
  test(`outliers of temperature: ${what}`, () => {
    assert.deepEqual(
      outliers(series, 'temperature:').map(({ client }) => client),
      found,
    );
  });
}

test('in a large group some members stand for the others, and the outlier is found wherever it stands', () => {
  for (const place of [0, 1, 57, 199]) {
    const names = times(200, (index) => `web-${index}`);
    const found = outliers(Object.fromEntries(names.map((name, index) => [name, index === place ? busy : calm])));
    assert.deepEqual(
      found.map(({ client }) => client),
      [`web-${place}`],
    );
  }
  const many = new Map(times(1000, (index) => [`web-${index}`, new Map([['cpu:', index === 3 ? 90 : 10]])]));
  const [candidate] = candidatesOf(valuesOf(many));
  assert.ok((candidate?.references.length ?? 0) <= 21);
});

test('the order of the members changes nothing', () => {
  const figure = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(figure, { minLength: 5, maxLength: 9 }), (list) => {
      const entries = [...list, busy].map((values, index) => [`web-${index}`, values] as const);
      const names = (found: readonly FigureOutlier[]): readonly string[] => found.map(({ client }) => client).sort();
      assert.deepEqual(
        names(outliers(Object.fromEntries([...entries].reverse()))),
        names(outliers(Object.fromEntries(entries))),
      );
    }),
  );
});

test('figures of a report: load by CPU, mounts by name, the busiest interface, nothing for what is unknown', () => {
  const figures = figuresOf({
    stats: {
      cpu_percent: null,
      memory_percent: 40,
      swap_percent: 7,
      load5: 3,
      cpus: 4,
      processes: 200,
      temperature_celsius: -3,
    },
    disks: [
      { mount: '/a:b', used_percent: 12 },
      { mount: '/gone', used_percent: null },
    ],
    networks: [
      { rx_bytes_per_s: 10, tx_bytes_per_s: 20 },
      { rx_bytes_per_s: 30, tx_bytes_per_s: null },
    ],
  });
  const expected = {
    'memory:': 40,
    'swap:': 7,
    'processes:': 200,
    'temperature:': -3,
    'load:': 0.75,
    'mount:/a:b': 12,
    'received:': 30,
    'sent:': 20,
  };
  assert.deepEqual(Object.fromEntries(figures), expected);
  assert.deepEqual(figureOf('mount:/a:b'), { metric: 'mount', subject: '/a:b' });
  for (const [load5, cpus] of [
    [3, 0],
    [3, null],
    [null, 4],
  ]) {
    assert.equal(figuresOf({ stats: { load5: load5 ?? null, cpus: cpus ?? null }, disks: [], networks: [] }).size, 0);
  }
});

test('the columns of the metrics are read, and no others', () => {
  const columns = outlierMetrics.map(({ name }) => [name, ...statsColumnsOf(new Set([name]))]);
  assert.deepEqual(columns, [
    ['cpu', 'cpu_percent'],
    ['memory', 'memory_percent'],
    ['load', 'load5', 'cpus'],
    ['swap', 'swap_percent'],
    ['processes', 'processes'],
    ['temperature', 'temperature_celsius'],
    ['mount'],
    ['received'],
    ['sent'],
  ]);
  const all = statsColumnsOf(new Set(outlierMetrics.map(({ name }) => name)));
  assert.deepEqual([...all].sort(), [...statsColumns].sort());
});

/** Returns the number of reports in which the member is an outlier, and of those that count. */
const counted = (series: Series): readonly (readonly number[])[] => outliers(series).map(({ rows, of }) => [rows, of]);

test('a report without the figure, or with too few others, does not count', () => {
  const unknown = busy.map((value, at) => (at < 4 && at > 0 ? null : value));
  assert.deepEqual(counted({ ...others(9), odd: unknown }), [[9, 9]]);
  const rare = calm.map((value, at) => (at < 2 && at > 0 ? null : value));
  assert.deepEqual(counted({ ...others(9, rare), odd: busy }), [[11, 11]]);
});
