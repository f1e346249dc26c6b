import assert from 'node:assert/strict';
import { test } from 'node:test';

import { drift, fraction, seededUuid, shuffled, wholeBetween } from '../../src/simulator/seeded.ts';

test('the same numbers draw the same chance, others another', () => {
  const drawn = new Set<number>();
  for (let index = 0; index < 1000; index++) {
    const chance = fraction(7, index, 3);
    assert.equal(chance, fraction(7, index, 3));
    assert.ok(chance >= 0 && chance < 1, String(chance));
    drawn.add(chance);
  }
  assert.equal(drawn.size, 1000);
  assert.notEqual(fraction(7, 1, 3), fraction(8, 1, 3));
  assert.notEqual(fraction(7, 1, 3), fraction(7, 3, 1));
});

test('chances are spread evenly', () => {
  const tenths = Array<number>(10).fill(0);
  for (let index = 0; index < 10_000; index++) {
    const tenth = Math.floor(fraction(1, index) * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) assert.ok(count > 850 && count < 1150, String(tenths));
});

test('whole numbers lie within their bounds, both of which come', () => {
  const drawn = new Set(Array.from({ length: 200 }, (_, index) => wholeBetween(3, 5, 1, index)));
  assert.deepEqual([...drawn].sort(), [3, 4, 5]);
});

test('what drifts moves little in little time, and does not stand still', () => {
  const period = 60_000;
  const from = 1_800_000_000_000;
  const values = Array.from({ length: 600 }, (_, step) => drift(from + step * 1000, period, 5, 1));
  for (const [step, value] of values.entries()) {
    assert.ok(value >= 0 && value <= 1);
    assert.ok(Math.abs(value - (values[step - 1] ?? value)) < 0.03, `step ${step}`);
  }
  assert.ok(Math.max(...values) - Math.min(...values) > 0.3);
});

test('an order holds every number once', () => {
  const order = shuffled(1000, 3);
  const sorted = [...order].sort((one, other) => one - other);
  assert.deepEqual(sorted, [...Array(1000).keys()]);
  assert.deepEqual(order, shuffled(1000, 3));
  assert.notDeepEqual(order, shuffled(1000, 4));
  assert.deepEqual([...shuffled(1, 9)], [0]);
});

test('a UUID has the form of version 4', () => {
  assert.match(seededUuid(1, 2, 3), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(seededUuid(1, 2, 3), seededUuid(1, 2, 4));
});
