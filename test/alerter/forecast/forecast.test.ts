import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { type DayLevel, forecast, historyDays } from '../../../src/alerter/forecast/forecast.ts';
import { medianOf, quartilesOf } from '../../../src/alerter/forecast/quantiles.ts';

const size = 1000;

type Level = (day: number) => number | null;

/** Returns the levels of days, the last one for today, day 0. */
function history(level: Level, days = historyDays, sizeOf: (day: number) => number = () => size) {
  return Array.from({ length: days }, (_, index): DayLevel | null => {
    const day = index - days + 1;
    const used = level(day);
    return used === null ? null : { used, size: sizeOf(day) };
  });
}

const linear = (perDay: number, now = 800): Level => {
  return (day) => now + perDay * day;
};

test('steady growth is foreseen with its rate, its range and its beginning', () => {
  const foreseen = forecast(history(linear(10)), 200);
  assert.deepEqual(foreseen, {
    daysLeft: 20,
    daysLow: 20,
    daysHigh: 20,
    growthPerDay: 10,
    sinceDays: historyDays - 1,
    // The level is above the levels of the weeks before, so the last week counts separately, too.
    shortDays: 20,
  });
});

test('growth that began a week ago is foreseen by the short slope, and dated', () => {
  const foreseen = forecast(
    history((day) => 500 + 50 * Math.max(0, day + 7)),
    150,
  );
  assert.equal(foreseen?.daysLeft, 3);
  assert.equal(foreseen.shortDays, 3);
  assert.equal(foreseen.sinceDays, 7);
});

test('a full file system that grows has no day left', () => {
  assert.equal(forecast(history(linear(10)), 0)?.daysLeft, 0);
  assert.equal(forecast(history(linear(10)), -5)?.daysLeft, 0, 'blocks that are reserved');
});

const silent: readonly {
  readonly name: string;
  readonly days: readonly (DayLevel | null)[];
  readonly available?: number;
}[] = [
  { name: 'no days', days: [] },
  { name: 'unknown days', days: history(() => null) },
  { name: 'flat', days: history(() => 800) },
  { name: 'shrinking', days: history(linear(-10)) },
  { name: 'below 0.05 % of the size a day', days: history(linear(0.49)), available: 10 },
  { name: 'beyond 90 days', days: history(linear(1)), available: 91 },
  { name: '13 days of history', days: history(linear(10), 13) },
  {
    name: 'a size that changed 13 days ago',
    days: history(linear(10), historyDays, (day) => (day < -12 ? 900 : size)),
  },
  { name: 'nothing known of today and yesterday', days: history((day) => (day > -2 ? null : 800 + 10 * day)) },
  { name: 'nine days of 21', days: history((day) => (day > -9 || day < -21 ? 800 + 10 * day : null)) },
  { name: 'one step', days: history((day) => (day > -4 ? 900 : 500)) },
  { name: 'one clean-up', days: history((day) => (day > -10 ? 500 : 900)) },
  { name: 'a weekly rotation', days: history((day) => 600 + 40 * ((day + 70) % 7)) },
  { name: 'a rotation of two weeks', days: history((day) => 600 + 20 * ((day + 80) % 14)) },
  { name: 'growth that ended a week ago', days: history((day) => 800 + 10 * Math.min(day, -7)) },
  {
    name: 'a size of nothing',
    days: history(
      () => 0,
      historyDays,
      () => 0,
    ),
  },
];
for (const { name, days, available = 100 } of silent) {
  test(`nothing is foreseen of ${name}`, () => assert.equal(forecast(days, available), null));
}

test('what is at a bound is foreseen', () => {
  assert.ok(forecast(history(linear(0.51)), 10));
  assert.ok(forecast(history(linear(1)), 90));
  assert.ok(forecast(history(linear(10), 14), 100));
  assert.ok(
    forecast(
      history(linear(10), historyDays, (day) => (day < -13 ? 900 : size)),
      100,
    ),
  );
  assert.ok(
    forecast(
      history((day) => (day === 0 ? null : 800 + 10 * day)),
      100,
    ),
    'today has not reported yet',
  );
});

test('a size that changes by less than a hundredth goes on with its history', () => {
  const grown = history(linear(10), historyDays, (day) => (day < -5 ? size * 0.992 : size));
  assert.ok(forecast(grown, 100));
  assert.equal(
    forecast(
      history(linear(10), historyDays, (day) => (day < -5 ? size * 0.99 : size)),
      100,
    ),
    null,
  );
});

test('ten known days of three weeks are enough', () => {
  const known = new Set([0, -1, -2, -3, -7, -8, -9, -10, -14, -15, -21]);
  assert.equal(
    forecast(
      history((day) => (known.has(day) ? 800 + 10 * day : null)),
      100,
    )?.daysLeft,
    10,
  );
});

test('a weekly batch is foreseen by its weeks, not by its steps', () => {
  const batches: Level = (day) => 800 + 70 * Math.floor(day / 7);
  assert.equal(forecast(history(batches), 100)?.growthPerDay, 10);
});

test('growth under a rotation grows as its peaks do', () => {
  const rotating: Level = (day) => 700 + day + 20 * ((day + 80) % 14);
  const foreseen = forecast(history(rotating), 60);
  assert.ok(foreseen !== null && Math.abs(foreseen.growthPerDay - 1) < 0.01, JSON.stringify(foreseen));
});

test('a rotation that has passed its peaks is growth again', () => {
  const rotating = [500, 550, 600, 400, 466, 533, 600];
  const broken: Level = (day) => rotating[day + historyDays - 1] ?? 400 + 140 * Math.floor((day + 27) / 7);
  assert.equal(forecast(history(broken), 100)?.daysLeft, 5);
});

test('two clean-ups that differ are no rotation', () => {
  const cleaned: Level = (day) => 800 + 10 * day + (day < -31 ? 250 : 0) + (day < -27 ? 400 : 0);
  assert.equal(forecast(history(cleaned), 100)?.daysLeft, 10);
});

test('today so far, which is low, changes little', () => {
  const early = history((day) => (day === 0 ? 791 : 800 + 10 * day));
  const foreseen = forecast(early, 200);
  assert.ok(foreseen !== null && Math.abs(foreseen.daysLeft - 20) < 0.01, JSON.stringify(foreseen));
});

test('quartiles that differ are a range, and one without an end is null', () => {
  const uneven = forecast(
    history((day) => 800 + 10 * day + (day % 3 === 0 ? 15 : 0)),
    200,
  );
  assert.ok(uneven !== null && uneven.daysLow < uneven.daysLeft && (uneven.daysHigh ?? 0) > uneven.daysLeft);
  // The middle week of three did not grow.
  const ofWeek = [800, 730, 660, 660, 590, 520];
  const halting = forecast(
    history((day) => ofWeek[Math.floor(-day / 7)] ?? 0),
    200,
  );
  assert.deepEqual([halting?.daysLeft, halting?.daysHigh], [20, null]);
});

/**
 * Returns a level that is flat until a week ago, with these steps in the last seven days. `spike` has levels of single
 * days.
 */
function lastWeek(steps: readonly number[], spike: Readonly<Record<number, number>> = {}): Level {
  return (day) => spike[day] ?? steps.slice(0, Math.max(0, day + 7)).reduce((sum, step) => sum + step, 500);
}

const ten = [10, 10, 10, 10, 10, 10, 10];
const weeks: readonly { readonly name: string; readonly level: Level; readonly growthPerDay: number | null }[] = [
  { name: 'seven rises', level: lastWeek(ten), growthPerDay: 10 },
  { name: 'six rises, one of them steep', level: lastWeek([10, 10, 0, 10, 10, 10, 40]), growthPerDay: 10 },
  { name: 'five rises', level: lastWeek([10, 10, 0, 10, 10, 0, 10]), growthPerDay: null },
  {
    name: 'a median step below the median of all pairs',
    level: lastWeek([10, 10, 10, 10, 100, 100, 100]),
    growthPerDay: 10,
  },
  {
    name: 'a median of all pairs below the median step',
    level: lastWeek([30, 30, 30, -100, 30, 30, 30]),
    growthPerDay: 30 - 130 / 6,
  },
  { name: 'a level of one day above the highest before', level: lastWeek(ten, { [-15]: 560 }), growthPerDay: 10 },
  { name: 'a level of less than a day above', level: lastWeek(ten, { [-15]: 561 }), growthPerDay: null },
  { name: 'a higher level 28 days ago', level: lastWeek(ten, { [-28]: 561 }), growthPerDay: null },
  { name: 'a higher level 29 days ago', level: lastWeek(ten, { [-29]: 561 }), growthPerDay: 10 },
];
for (const { name, level, growthPerDay } of weeks) {
  test(`growth of the last week: ${name}`, () => {
    const found = forecast(history(level), 100)?.growthPerDay ?? null;
    if (growthPerDay === null) assert.equal(found, null);
    else assert.ok(found !== null && Math.abs(found - growthPerDay) < 1e-9, `${found}`);
  });
}

const anyHistory = fc
  .array(fc.option(fc.integer({ min: 0, max: 1000 }), { freq: 8 }), { minLength: 20, maxLength: 40 })
  .map((steps) => {
    let used = 100;
    return steps.map((step) => (step === null ? null : { used: (used += step - 300), size: 100_000 }));
  });

test('the unit changes nothing but the rate', () => {
  fc.assert(
    fc.property(
      anyHistory,
      fc.integer({ min: 0, max: 20_000 }),
      fc.integer({ min: 1, max: 12 }),
      (days, left, power) => {
        const factor = 2 ** power;
        const scaled = days.map((day) => (day === null ? null : { used: day.used * factor, size: day.size * factor }));
        const [one, other] = [forecast(days, left), forecast(scaled, left * factor)];
        assert.deepEqual(other, one === null ? null : { ...one, growthPerDay: one.growthPerDay * factor });
      },
    ),
    { numRuns: 500 },
  );
});

test('the level itself changes nothing, only what is left does', () => {
  fc.assert(
    fc.property(
      anyHistory,
      fc.integer({ min: 0, max: 20_000 }),
      fc.integer({ min: 1, max: 9999 }),
      (days, left, by) => {
        const shifted = days.map((day) => (day === null ? null : { ...day, used: day.used + by }));
        const [one, other] = [forecast(days, left), forecast(shifted, left)];
        assert.equal(other === null, one === null);
        if (one !== null) assert.ok(Math.abs((other?.daysLeft ?? NaN) - one.daysLeft) < 1e-6);
      },
    ),
    { numRuns: 500 },
  );
});

test('days that are missing take nothing away from steady growth but the forecast', () => {
  let notified = 0;
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: historyDays, maxLength: historyDays }), (dropped) => {
      const days = history(linear(10)).map((day, index) => (dropped[index] === true ? null : day));
      const foreseen = forecast(days, 200);
      if (foreseen === null) return;
      notified += 1;
      assert.ok(Math.abs(foreseen.daysLeft - 20) < 1e-6);
    }),
    { numRuns: 500 },
  );
  assert.ok(notified > 100, `${notified} of 500 were foreseen`);
});

test('whatever the history, the range holds the forecast', () => {
  fc.assert(
    fc.property(anyHistory, fc.integer({ min: 0, max: 20_000 }), (days, left) => {
      const foreseen = forecast(days, left);
      if (foreseen === null) return;
      const { daysLow, daysLeft, daysHigh, sinceDays } = foreseen;
      assert.ok(daysLow <= daysLeft && daysLeft <= (daysHigh ?? Infinity) && daysLeft <= 90);
      assert.ok(sinceDays >= 0 && sinceDays < historyDays);
    }),
    { numRuns: 500 },
  );
});

test('quartiles and medians lie between two values, and are nothing without values', () => {
  assert.deepEqual(quartilesOf([10, 1, 4, 2]), { low: 1.75, median: 3, high: 5.5 });
  assert.deepEqual(quartilesOf([3, 1, 2, 9, 8]), { low: 2, median: 3, high: 8 });
  assert.deepEqual([medianOf([7]), medianOf([])], [7, Number.NaN]);
});
