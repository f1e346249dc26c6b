import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fitPower, medianOf, ratioOf, spreadOf } from '../../bench/statistics.ts';

test('the median is the middle one, or the mean of two', () => {
  const cases = [
    [[7], 7],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[100, 1, 1, 1, 1], 1],
    [[10, 9], 9.5],
  ] as const;
  for (const [samples, median] of cases) assert.equal(medianOf(samples), median, samples.join(' '));
  assert.ok(Number.isNaN(medianOf([])));
});

test('a spread keeps its samples in their order', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3, samples: [3, 1, 2] });
  for (const samples of [[], [1, Number.NaN], [Number.POSITIVE_INFINITY]]) {
    assert.throws(() => spreadOf(samples), RangeError);
  }
});

test('a ratio is of the same round, so what troubles both sides does not show', () => {
  assert.deepEqual(ratioOf([10, 100, 30], [5, 50, 10]).samples, [2, 2, 3]);
  assert.equal(ratioOf([10, 100, 30], [5, 50, 10]).median, 2);
  assert.deepEqual(ratioOf([8, 8, 8], [2]).samples, [4]);
});

test('a fit finds the exponent and the factor', () => {
  const sizes = [100, 1000, 10_000, 50_000];
  const cases = [
    [(n: number) => 3 * n, 1, 3],
    [(n: number) => 0.5 * n ** 1.5, 1.5, 0.5],
    [(n: number) => 7 + 0 * n, 0, 7],
    [(n: number) => 20 / n, -1, 20],
  ] as const;
  for (const [law, exponent, factor] of cases) {
    const fit = fitPower(sizes.map((n) => ({ n, value: law(n) })));
    assert.ok(fit);
    assert.ok(Math.abs(fit.exponent - exponent) < 1e-9, `exponent ${fit.exponent}`);
    assert.ok(Math.abs(fit.factor / factor - 1) < 1e-9, `factor ${fit.factor}`);
  }
  const scattered = fitPower([
    { n: 1, value: 1 },
    { n: 10, value: 100 },
    { n: 100, value: 100 },
  ]);
  assert.equal(scattered?.exponent.toFixed(3), '1.000');
});

test('there is no fit through fewer than two sizes, nor through what is no cost', () => {
  const one = { n: 10, value: 1 };
  for (const points of [[], [one], [one, one], [one, { n: 100, value: 0 }], [one, { n: 100, value: Number.NaN }]]) {
    assert.equal(fitPower(points), null);
  }
});
