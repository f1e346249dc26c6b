import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { reportGrid } from '../../../src/look/data/report-grid.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/platform/units.ts';

const untilMs = Date.UTC(2026, 10, 20, 12);

test('any span has at most so many points, which hold all of it at whole steps', () => {
  const spans = fc.oneof(
    fc.integer({ min: 1, max: 400 * dayMs }),
    fc.constantFrom(5, 30, 60, 1440, 10_080).map((minutes) => minutes * 1000 * minuteMs),
    fc.integer({ min: 1, max: 12_000 }).map((days) => days * dayMs),
  );
  const ends = fc.oneof(fc.integer({ min: untilMs, max: untilMs + dayMs }), fc.constant(untilMs));
  const every = fc.constantFrom(1, 5, 7, 60).map((minutes) => minutes * minuteMs);
  const clients = fc.constantFrom(0, 1, 64, 1_000, 10_000, 1_000_000);
  fc.assert(
    fc.property(ends, spans, every, clients, fc.constantFrom(48, 1_000), (end, spanMs, everyMs, count, most) => {
      const grid = reportGrid(end - spanMs, end, everyMs, count, most);
      assert.ok(grid.points <= most && grid.points > 0, `${grid.points} points`);
      assert.ok(grid.stepMs >= everyMs && grid.sinceMs % grid.stepMs === 0);
      assert.ok(grid.sinceMs <= end - spanMs && grid.sinceMs > end - spanMs - grid.stepMs);
      const endsAtMs = grid.sinceMs + grid.points * grid.stepMs;
      assert.ok(endsAtMs >= end && endsAtMs < end + grid.stepMs);
    }),
    { numRuns: 2_000 },
  );
});

const cases: readonly {
  readonly what: string;
  readonly end: number;
  readonly spanMs: number;
  readonly clients: number;
}[] = [
  { what: '5 min, 1000 points', end: untilMs, spanMs: 5_000 * minuteMs, clients: 1 },
  { what: '10 min, 501 points', end: untilMs + minuteMs, spanMs: 5_000 * minuteMs, clients: 1 },
  { what: '5 min, 289 points', end: untilMs + minuteMs, spanMs: dayMs, clients: 1 },
  { what: '60 min, 720 points', end: untilMs, spanMs: 30 * dayMs, clients: 555 },
  { what: '120 min, 360 points', end: untilMs, spanMs: 30 * dayMs, clients: 556 },
];
for (const { what, end, spanMs, clients } of cases) {
  test(`${spanMs / hourMs} hours of ${clients} clients up to ${new Date(end).toISOString()}: ${what}`, () => {
    const { stepMs, points } = reportGrid(end - spanMs, end, 5 * minuteMs, clients);
    assert.equal(`${stepMs / minuteMs} min, ${points} points`, what);
  });
}
