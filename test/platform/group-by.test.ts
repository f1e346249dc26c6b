import assert from 'node:assert/strict';
import { test } from 'node:test';

import { append, greatest, least } from '../../src/platform/group-by.ts';

test('a list that a spread cannot pass has a greatest and a least number, and can be added', () => {
  const long = Array.from({ length: 300_000 }, (_, index) => index - 1);
  assert.throws(() => Math.max(...long), RangeError);
  assert.deepEqual([greatest(long), least(long)], [299_998, -1]);
  const list = [7];
  append(list, long);
  assert.deepEqual([list.length, list[0], list.at(-1)], [300_001, 7, 299_998]);
});

test('the extremes of none and of NaN are those of Math', () => {
  for (const list of [[], [NaN, 1], [1, NaN], [-0.5], [3, 3]]) {
    assert.deepEqual([greatest(list), least(list)], [Math.max(...list), Math.min(...list)]);
  }
});
