/** The figures of a plot: means by their weights, ranges, and what is unknown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { GridSums } from '../../../src/storage/queries/grid-sums.ts';
import type { Grid, GridFigure } from '../../../src/storage/store/look-store.ts';

const grid: Grid = { sinceMs: 1000, stepMs: 100, points: 4, untilMs: 1400, sampleMs: null };
const open = (ranges: readonly string[] = [], more: Partial<Grid> = {}): GridSums =>
  new GridSums({ clients: ['web-1', 'db-1'], columns: ['used', 'free'], ranges, grid: { ...grid, ...more } });
const used = (sums: GridSums, factor?: number, client = 'web-1'): GridFigure | undefined =>
  sums.of(client, factor)[0]?.figures.get('used');

test('a step has the mean of its rows by their weights, and is unknown without rows', () => {
  const sums = open();
  sums.addToStep({ mean0: 10 }, 'web-1', 0);
  sums.addToStep({ mean0: 40, weight: 2 }, 'web-1', 0);
  sums.addToStep({ mean0: 0 }, 'web-1', 2);
  sums.addToStep({ mean0: null, mean1: 7 }, 'web-1', 3);
  const figure = used(sums);
  assert.deepEqual(figure?.mean, [30, null, 0, null]);
  assert.deepEqual([figure.min, figure.max], [figure.mean, figure.mean]);
  assert.deepEqual(sums.of('web-1')[0]?.figures.get('free')?.mean, [null, null, null, 7]);
});

test('a column of ranges has the least and the greatest; the mean stands for what is missing', () => {
  const sums = open(['used']);
  sums.addToStep({ mean0: 10, min0: 4, max0: 12 }, 'web-1', 0);
  sums.addToStep({ mean0: 20 }, 'web-1', 0);
  sums.addToStep({ mean0: 5 }, 'web-1', 1);
  assert.deepEqual(used(sums), { mean: [15, 5, null, null], min: [4, 5, null, null], max: [20, 5, null, null] });
});

const spans: readonly (readonly [what: string, fromMs: number, spanMs: number, mean: readonly (number | null)[]])[] = [
  ['one step', 1100, 100, [null, 1, null, null]],
  ['a part of a step', 1130, 10, [null, 1, null, null]],
  ['parts of two', 1130, 100, [null, 1, 1, null]],
  ['what began before', 800, 300, [1, null, null, null]],
  ['what ends after', 1350, 900, [null, null, null, 1]],
  ['all', 0, 9000, [1, 1, 1, 1]],
  ['what is over before', 500, 500, [null, null, null, null]],
  ['what begins after', 1400, 100, [null, null, null, null]],
];
for (const [what, fromMs, spanMs, mean] of spans) {
  test(`a row of a span is in each step that it touches: ${what}`, () => {
    const sums = open();
    sums.addToSpan({ mean0: 1 }, 'web-1', fromMs, spanMs);
    assert.deepEqual(used(sums)?.mean ?? [null, null, null, null], mean);
    assert.deepEqual(
      [0, 1, 2, 3].map((step) => sums.isKnown('web-1', step)),
      mean.map((value) => value !== null),
    );
  });
}

test('subjects stand in their order, and those without figures not at all', () => {
  const sums = open();
  for (const subject of ['/var', '/', '/srv']) sums.addToStep({ mean0: 1, subject }, 'web-1', 0);
  sums.addToStep({ mean0: null, subject: '/none' }, 'web-1', 0);
  assert.deepEqual(
    sums.of('web-1').map(({ subject }) => subject),
    ['/', '/srv', '/var'],
  );
  assert.deepEqual(sums.of('db-1'), []);
});

test('a client that was not asked for has no figures, and costs no other', () => {
  const sums = open();
  sums.addToStep({ mean0: 1 }, 'nas', 0);
  sums.addToSpan({ mean0: 1 }, 'nas', 1000, 100);
  assert.deepEqual([sums.of('nas'), sums.of('web-1'), sums.isKnown('nas', 0)], [[], [], false]);
});

test('steps are put together by their weights, the last ones too if they are fewer', () => {
  const sums = open(['used']);
  sums.addToStep({ mean0: 10, min0: 1, max0: 11, weight: 3 }, 'web-1', 0);
  sums.addToStep({ mean0: 30, min0: 9, max0: 31 }, 'web-1', 1);
  sums.addToStep({ mean0: 5 }, 'web-1', 3);
  assert.deepEqual(used(sums, 2), { mean: [15, 5], min: [1, 5], max: [31, 5] });
  assert.deepEqual(used(sums, 3), { mean: [15, 5], min: [1, 5], max: [31, 5] });
  assert.deepEqual(used(sums, 4)?.mean, [13]);
});

test('more rows than a step can count stay a mean', () => {
  const sums = open();
  sums.addToStep({ mean0: 10, weight: 65_535 }, 'web-1', 0);
  sums.addToStep({ mean0: 20, weight: 65_535 }, 'web-1', 0);
  const [mean = 0] = used(sums)?.mean ?? [];
  assert.ok(mean !== null && mean > 10 && mean <= 20, String(mean));
});

test('a sample of a large fleet has seven digits', () => {
  const sums = open([], { sampleMs: 60_000 });
  sums.addToStep({ mean0: 1 / 3 }, 'web-1', 0);
  assert.equal(used(sums)?.mean[0], Math.fround(1 / 3));
});
