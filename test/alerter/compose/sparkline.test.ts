import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drawSparkline } from '../../../src/alerter/compose/sparkline.ts';
import type { SeriesPoint } from '../../../src/storage/store/notification-store.ts';

/** Returns points at the middle of each of the columns. */
function draw(values: readonly (number | null)[], columns = values.length): ReturnType<typeof drawSparkline> {
  const points: SeriesPoint[] = values.map((value, index) => ({ atMs: 1000 + index * 100 + 50, value }));
  return drawSparkline({ points, fromMs: 1000, untilMs: 1000 + values.length * 100, columns });
}

const cases: readonly (readonly [string, readonly (number | null)[], string | null])[] = [
  ['a rise uses every level', [0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
  ['a fall', [7, 6, 5, 4, 3, 2, 1, 0], '█▇▆▅▄▃▂▁'],
  ['gaps show', [0, null, null, 7], '▁··█'],
  ['what hardly changes is drawn so', [96.0, 96.1, 96.0, 96.2], '▄▅▄▅'],
  ['zeros are low', [0, 0, 0], '▁▁▁'],
  ['below zero', [-10, 0], '▁█'],
  ['what is not a number is a gap', [NaN, Infinity, 1, 9], '··▁█'],
  ['nothing known', [null, null], null],
  ['nothing at all', [], null],
];

for (const [name, values, text] of cases) {
  test(`blocks: ${name}`, () => {
    assert.equal(draw(values)?.text ?? null, text);
  });
}

test('a column is as high as its largest value, so that peaks show', () => {
  assert.deepEqual(draw([0, 99, 0, 0, 0, 0], 3), { text: '█▁▁', least: 0, most: 99 });
});

test('what lies before and after is left out, both ends belong to it', () => {
  const points = [
    { atMs: 999, value: 1000 },
    { atMs: 1000, value: 1 },
    { atMs: 2000, value: 9 },
    { atMs: 2001, value: 1000 },
  ];
  assert.deepEqual(drawSparkline({ points, fromMs: 1000, untilMs: 2000, columns: 4 }), {
    text: '▁··█',
    least: 1,
    most: 9,
  });
});
