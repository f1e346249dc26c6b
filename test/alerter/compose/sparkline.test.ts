import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drawSparkline } from '../../../src/alerter/compose/sparkline.ts';
import type { SeriesPoint } from '../../../src/storage/store/notification-store.ts';

/** Returns points at the middle of each of the columns. */
function draw(values: readonly (number | null)[], columns = values.length): ReturnType<typeof drawSparkline> {
  const points: SeriesPoint[] = values.map((value, index) => ({ atMs: 1000 + index * 100 + 50, value }));
  return drawSparkline({ points, fromMs: 1000, untilMs: 1000 + values.length * 100, columns });
}

const cases: readonly {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly text: string | null;
}[] = [
  { name: 'a rise uses every level', values: [0, 1, 2, 3, 4, 5, 6, 7], text: '▁▂▃▄▅▆▇█' },
  { name: 'a fall', values: [7, 6, 5, 4, 3, 2, 1, 0], text: '█▇▆▅▄▃▂▁' },
  { name: 'gaps show', values: [0, null, null, 7], text: '▁··█' },
  { name: 'what hardly changes is drawn so', values: [96.0, 96.1, 96.0, 96.2], text: '▄▅▄▅' },
  { name: 'zeros are low', values: [0, 0, 0], text: '▁▁▁' },
  { name: 'below zero', values: [-10, 0], text: '▁█' },
  { name: 'what is not a number is a gap', values: [NaN, Infinity, 1, 9], text: '··▁█' },
  { name: 'nothing known', values: [null, null], text: null },
  { name: 'nothing at all', values: [], text: null },
];

for (const { name, values, text } of cases) {
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
