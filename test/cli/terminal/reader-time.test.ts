import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readerTime } from '../../../src/cli/terminal/reader-time.ts';

const nowMs = Date.UTC(2026, 10, 20, 10, 5);
const time = readerTime({ alerts: { zone: 'Europe/Berlin' } } as Parameters<typeof readerTime>[0], nowMs);

for (const [aheadMs, said] of [
  [-7_200_000, '2026-11-20 09:05 (2h ago)'],
  [-2_000, '2026-11-20 11:04 (2s ago)'],
  [-1_999, '2026-11-20 11:04 (just now)'],
  [0, '2026-11-20 11:05 (just now)'],
  // The time comes from a clock that is slightly ahead.
  [1_999, '2026-11-20 11:05 (just now)'],
  // It was written while a clock was ahead.
  [900_000, '2026-11-20 11:20 (by a clock 15m ahead)'],
] as const) {
  test(`something that happened ${aheadMs} ms from now was at ${said}`, () => {
    assert.equal(time.momentAndAge(nowMs + aheadMs), said);
  });
}

for (const [aheadMs, said] of [
  [-7_200_000, '2026-11-20 09:05 (2h ago)'],
  [1_999, '2026-11-20 11:05 (just now)'],
  [2_000, '2026-11-20 11:05 (in 2s)'],
  [900_000, '2026-11-20 11:20 (in 15m)'],
] as const) {
  test(`the end of a silence ${aheadMs} ms from now is at ${said}`, () => {
    assert.equal(time.momentAndWait(nowMs + aheadMs), said);
  });
}
