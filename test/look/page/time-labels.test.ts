import assert from 'node:assert/strict';
import { test } from 'node:test';

import uPlot from 'uplot';

import { timeLabels, timeValue } from '../../../src/look/page/browser/time-labels.ts';

const start = Date.UTC(2026, 10, 28, 3, 5) / 1000;
const hour = 3600;
const day = 24 * hour;

/** The steps between labels that uPlot chooses. */
const gaps = [
  1,
  5,
  10,
  15,
  30,
  60,
  300,
  600,
  900,
  1800,
  hour,
  2 * hour,
  3 * hour,
  4 * hour,
  6 * hour,
  8 * hour,
  12 * hour,
];
const dayGaps = [
  day,
  2 * day,
  4 * day,
  7 * day,
  10 * day,
  15 * day,
  30 * day,
  60 * day,
  182 * day,
  365 * day,
  730 * day,
];

for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Kathmandu']) {
  test(`no two labels of a plot say the same in ${zone}, from seconds to ten years`, () => {
    for (const gap of [...gaps, ...dayGaps]) {
      const labels = timeLabels(uPlot, zone)(
        null,
        Array.from({ length: 6 }, (_, index) => start + index * gap),
      );
      // A label without a second line has that of the one before.
      let coarse = '';
      const whole = labels.map((label) => {
        const [fine = '', words] = label.split('\n');
        coarse = words ?? coarse;
        return `${fine} ${coarse}`;
      });
      assert.equal(new Set(whole).size, 6, `${gap} s: ${JSON.stringify(labels)}`);
    }
  });
}

test('labels have the seconds, the date and the year that tell them apart', () => {
  const labels = (from: string, gap: number): readonly string[] =>
    timeLabels(uPlot, 'UTC')(
      null,
      [0, 1, 2].map((index) => Date.parse(from) / 1000 + index * gap),
    );
  assert.deepEqual(labels('2026-11-28T03:05:00Z', 30), ['03:05:00\n28 Nov', '03:05:30', '03:06:00']);
  assert.deepEqual(labels('2026-11-28T12:00:00Z', 12 * hour), ['12:00\n28 Nov', '00:00\n29 Nov', '12:00']);
  assert.deepEqual(labels('2026-11-28T18:00:00Z', 8 * hour), ['18:00\n28 Nov', '02:00\n29 Nov', '10:00']);
  assert.deepEqual(labels('2025-12-01T00:00:00Z', 31 * day), ['1 Dec\n2025', '1 Jan\n2026', '1 Feb']);
  assert.deepEqual(timeLabels(uPlot, 'UTC')(null, [start]), ['03:05\n28 Nov']);
});

test('the time under the cursor is as exact as the points, and names another year', () => {
  const newest = start;
  assert.equal(timeValue(uPlot, 'UTC', { newest, step: 60 })(null, null), '28 Nov 03:05');
  assert.equal(timeValue(uPlot, 'UTC', { newest, step: 10 })(null, start + 10), '28 Nov 03:05:10');
  assert.equal(timeValue(uPlot, 'UTC', { newest, step: day })(null, start - 365 * day), '28 Nov 2025 03:05');
  assert.equal(timeValue(uPlot, 'UTC', { newest: null, step: day })(null, null), '–');
});
