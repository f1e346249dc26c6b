import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { startDelayMs } from '../../src/collector/collector.ts';

test('a thousand collectors begin spread over two seconds, each always at its own time', () => {
  const ids = Array.from({ length: 1000 }, () => randomUUID());
  const delays = ids.map((id) => startDelayMs(id, 500));
  assert.ok(delays.every((delay) => delay >= 0 && delay <= 2000));
  for (let from = 0; from < 2000; from += 250) {
    const begun = delays.filter((delay) => delay >= from && delay < from + 250).length;
    assert.ok(begun > 60 && begun < 200, `${begun} from ${from} ms on`);
  }
  for (const [at, id] of ids.entries()) assert.equal(startDelayMs(id, 500), delays[at]);
});

test('few clients wait little', () => {
  for (let count = 0; count < 10; count++) assert.ok(startDelayMs(randomUUID(), count) <= 50 * count);
});
