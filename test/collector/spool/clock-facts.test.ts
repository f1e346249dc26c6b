import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockFactsOf, collectedAtMs, observedAtMs } from '../../../src/collector/spool/clock-facts.ts';
import type { ClockFacts } from '../../../src/collector/spool/clock-facts.ts';

const received = Date.UTC(2026, 10, 20, 10, 0, 0);
const hour = 3_600_000;
const clock = (more: Partial<ClockFacts> = {}): ClockFacts => ({
  offsetMs: 0,
  monotonicZeroMs: received - 10 * hour,
  bootId: 'boot-1',
  ...more,
});
const at = (ms: number): string => new Date(ms).toISOString();

const table: readonly (readonly [
  what: string,
  report: { readonly datetime: string; readonly boot_id: string | null; readonly monotonic_ms: number },
  clock: ClockFacts | null,
  expected: number,
])[] = [
  ['made just now', { datetime: at(received), boot_id: 'boot-1', monotonic_ms: 10 * hour }, clock(), received],
  [
    'spooled three hours ago in this boot, by a wall clock that is days wrong',
    { datetime: at(received - 90 * hour), boot_id: 'boot-1', monotonic_ms: 7 * hour },
    clock({ offsetMs: -87 * hour }),
    received - 3 * hour,
  ],
  [
    'spooled in an earlier boot: the wall clock, corrected',
    { datetime: at(received - 5 * hour), boot_id: 'boot-0', monotonic_ms: 50 * hour },
    clock({ offsetMs: 2 * hour }),
    received - 7 * hour,
  ],
  [
    'without a boot id the wall clock counts too',
    { datetime: at(received - hour), boot_id: null, monotonic_ms: 5 },
    clock({ bootId: null }),
    received - hour,
  ],
  [
    'a monotonic clock ahead of its hello is not believed beyond the arrival',
    { datetime: at(received), boot_id: 'boot-1', monotonic_ms: 99 * hour },
    clock(),
    received,
  ],
  [
    'spooled before the uptime began anew within one boot, as of a container: the wall clock',
    { datetime: at(received - 52_000), boot_id: 'boot-1', monotonic_ms: 20 * hour },
    clock(),
    received - 52_000,
  ],
  [
    'a wall clock ahead is not believed beyond the arrival',
    { datetime: at(received + 900 * hour), boot_id: 'boot-0', monotonic_ms: 1 },
    clock(),
    received,
  ],
  [
    'a file that says nothing of clocks',
    { datetime: at(received - hour), boot_id: 'b', monotonic_ms: 1 },
    null,
    received - hour,
  ],
  [
    'the year 1',
    { datetime: '0001-01-01T00:00:00.000Z', boot_id: 'boot-0', monotonic_ms: 1 },
    clock({ offsetMs: 9e15 }),
    Date.UTC(1000, 0, 1),
  ],
];

for (const [what, report, facts, expected] of table) {
  test(`observed at: ${what}`, () => {
    assert.equal(at(observedAtMs(report, received, facts)), at(expected));
  });
}

test('the time a client gives is kept within what a database can hold', () => {
  assert.equal(at(collectedAtMs({ datetime: '0000-01-01T00:00:00.000Z' })), '1000-01-01T00:00:00.000Z');
  assert.equal(at(collectedAtMs({ datetime: at(received) })), at(received));
});

test('a hello gives offset, boot and the zero of the monotonic clock', () => {
  const hello = { v: 1, agent: '0.1.0', wall_ms: received + 1500, monotonic_ms: 1000, boot_id: 'b' };
  assert.deepEqual(clockFactsOf({ ...hello, receivedAtMs: received, offsetMs: 1500 }), {
    offsetMs: 1500,
    monotonicZeroMs: received - 1000,
    bootId: 'b',
  });
});
