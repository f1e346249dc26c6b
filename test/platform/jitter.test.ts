import assert from 'node:assert/strict';
import { test } from 'node:test';

import { jitterFraction, jitterOf } from '../../src/platform/jitter.ts';

test('a text has one jitter, and those of many texts are evenly distributed', () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `web-${at}`);
  assert.deepEqual(names.map(jitterOf), names.map(jitterOf));
  const tenths = Array<number>(10).fill(0);
  for (const name of names) {
    const fraction = jitterFraction(name);
    assert.ok(fraction >= 0 && fraction < 1);
    tenths[Math.floor(fraction * 10)] = (tenths[Math.floor(fraction * 10)] ?? 0) + 1;
  }
  const isEven = tenths.every((count) => count > 850 && count < 1150);
  assert.ok(isEven, String(tenths));
});
