/** Properties that forecasts have for any history. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { forecast, historyDays, type DayLevel } from '../../../src/alerter/forecast/forecast.ts';

const size = 100_000;

const daysOf = (levels: readonly (number | null)[], ofSize = size): readonly (DayLevel | null)[] =>
  levels.map((used) => (used === null ? null : { used, size: ofSize }));

/** Returns levels that never fall, by the growth of each day. */
function grown(steps: readonly number[]): readonly number[] {
  let level = 1000;
  return steps.map((step) => (level += step));
}

const steps = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 14, maxLength: historyDays });
const left = fc.integer({ min: 0, max: 50_000 });
const anyLevels = (most: number) =>
  fc.array(fc.option(fc.integer({ min: 0, max: 50_000 }), { freq: 8 }), { minLength: 14, maxLength: most });

test('growth that is faster on every day never fills later', () => {
  let spoken = 0;
  fc.assert(
    fc.property(steps, left, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 300 }), (slow, rest, k, c) => {
      const before = forecast(daysOf(grown(slow)), rest);
      if (before === null) return;
      spoken += 1;
      const after = forecast(daysOf(grown(slow.map((step) => k * step + c))), rest);
      assert.ok(after !== null && after.daysLeft <= before.daysLeft, `${before.daysLeft} and ${after?.daysLeft}`);
    }),
  );
  assert.ok(spoken > 30, `${spoken} forecasts`);
});

test('the days before the last 35 change nothing', () => {
  fc.assert(
    fc.property(anyLevels(historyDays), anyLevels(20), left, (recent, old, rest) => {
      const whole = [...Array.from({ length: historyDays - recent.length }, () => null), ...recent];
      assert.deepEqual(forecast(daysOf([...old, ...whole]), rest), forecast(daysOf(whole), rest));
    }),
  );
});

test('a size that changed begins the history anew, whatever was before', () => {
  fc.assert(
    fc.property(
      anyLevels(25),
      anyLevels(20),
      left,
      fc.constantFrom(0.5, 0.985, 1.02, 3),
      (recent, old, rest, times) => {
        fc.pre(recent[0] !== null);
        const before = daysOf([...old, 5], times * size);
        assert.deepEqual(forecast([...before, ...daysOf(recent)], rest), forecast(daysOf(recent), rest));
      },
    ),
  );
});

test('what is left counts, not what the size would leave', () => {
  fc.assert(
    fc.property(steps, left, (slow, rest) => {
      const found = forecast(daysOf(grown(slow)), rest);
      if (found !== null) assert.ok(Math.abs(found.daysLeft * found.growthPerDay - rest) <= 1e-6 * (rest + 1));
    }),
  );
  const steady = daysOf(grown(Array.from({ length: historyDays }, () => 100)));
  assert.deepEqual(
    [1000, 0, -500].map((rest) => forecast(steady, rest)?.daysLeft),
    [10, 0, 0],
  );
});
