import assert from 'node:assert/strict';
import { test } from 'node:test';

import { percentBar } from '../../src/page/figures.ts';

test('a bar is as wide as its value, and has the level of the limit that it has reached', () => {
  assert.match(percentBar({ value: 41.7, beyond: null }).html, /<svg class="bar" [^]*width="42%"[^]*42 %$/);
  assert.match(percentBar({ value: 120, beyond: 'critical' }).html, /<svg class="bar critical" [^]*width="100%"/);
  assert.doesNotMatch(percentBar({ value: null, beyond: null }).html, /svg/);
});
