import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { centreOf, robustScore } from '../../../src/alerter/outliers/robust-score.ts';

const leastMad = 1;
const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 5, maxLength: 40 });
const scores = (list: readonly number[], floor = leastMad): readonly number[] => {
  const centre = centreOf(list);
  return list.map((value) => robustScore(value, centre, floor));
};
const near = (one: readonly number[], other: readonly number[]): boolean =>
  one.every((value, index) => Math.abs(value - (other[index] ?? Number.NaN)) < 1e-6);

test('the score of a value is its distance from the median in units of the spread', () => {
  assert.deepEqual(centreOf([1, 2, 3, 4, 100]), { median: 3, mad: 1, least: 1, most: 100 });
  assert.deepEqual(centreOf([4, 1, 3, 2]), { median: 2.5, mad: 1, least: 1, most: 4 });
  assert.equal(robustScore(13, { median: 3, mad: 2 }, leastMad), 0.6745 * 5);
  assert.equal(robustScore(13, { median: 3, mad: 0 }, 5), 0.6745 * 2);
  assert.ok(Number.isNaN(centreOf([]).median));
});

test('scores do not change when all values are shifted', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: -500, max: 500 }), (list, shift) =>
      near(scores(list.map((value) => value + shift)), scores(list)),
    ),
  );
});

test('scores do not change when values and the least spread are scaled', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 64 }), (list, scale) =>
      near(
        scores(
          list.map((value) => value * scale),
          leastMad * scale,
        ),
        scores(list),
      ),
    ),
  );
});

test('the centre does not depend on the order, and mirrored values have mirrored scores', () => {
  fc.assert(
    fc.property(values, fc.func(fc.integer()), (list, rank) => {
      const shuffled = [...list].sort((one, other) => rank(one) - rank(other));
      assert.deepEqual(centreOf(shuffled), centreOf(list));
      return near(
        scores(list.map((value) => -value)),
        scores(list).map((score) => -score),
      );
    }),
  );
});

test('fewer than half of the members, however far, do not move the centre beyond the others', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 6, maxLength: 20 }),
      fc.integer(),
      (list, far) => {
        const wild = list.slice(0, Math.floor((list.length - 1) / 2)).map(() => far);
        const { median } = centreOf([...wild, ...list.slice(wild.length)]);
        return median >= 0 && median <= 100;
      },
    ),
  );
});
