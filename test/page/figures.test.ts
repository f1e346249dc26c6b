import assert from 'node:assert/strict';
import { test } from 'node:test';

import { amount, percentBar } from '../../src/page/figures.ts';

test('a bar is as wide as its value, and has the level of the limit that it has reached', () => {
  assert.match(percentBar({ value: 41.7, beyond: null }).html, /<svg class="bar" [^]*width="42%"[^]*42 %$/);
  assert.match(percentBar({ value: 120, beyond: 'critical' }).html, /<svg class="bar critical" [^]*width="100%"/);
  assert.doesNotMatch(percentBar({ value: null, beyond: null }).html, /svg/);
});

test('the digits of large numbers are grouped, by an entity that keeps the page small', () => {
  assert.deepEqual(
    [999, 1000, 1_234_567].map((count) => amount(count).html),
    ['999', '1&#8239;000', '1&#8239;234&#8239;567'],
  );
  assert.deepEqual([amount(1, 'client').html, amount(10_000, 'client').html], ['1 client', '10&#8239;000 clients']);
});
