import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  clockFactsOf,
  collectedAtMs,
  observedAtMs,
  type ClockFacts,
} from '../../../src/collector/spool/clock-facts.ts';

const received = Date.UTC(2026, 10, 20, 10, 0, 0);
const hour = 3_600_000;
const clock = (more: Partial<ClockFacts> = {}): ClockFacts => ({
  offsetMs: 0,
  monotonicZeroMs: received - 10 * hour,
  bootId: 'boot-1',
  ...more,
});
const at = (ms: number): string => new Date(ms).toISOString();

const [now, boot] = [received, 'boot-1'];
const table: readonly (readonly [
  what: string,
  wallMs: number,
  boot: string | null,
  uptimeMs: number,
  clock: ClockFacts | null,
  expected: number,
])[] = [
  ['made just now', now, boot, 10 * hour, clock(), now],
  [
    'spooled three hours ago in this boot, by a wall clock that is days wrong',
    now - 90 * hour,
    boot,
    7 * hour,
    clock({ offsetMs: -87 * hour }),
    now - 3 * hour,
  ],
  [
    'spooled in an earlier boot: the wall clock, corrected',
    now - 5 * hour,
    'boot-0',
    50 * hour,
    clock({ offsetMs: 2 * hour }),
    now - 7 * hour,
  ],
  ['without a boot id the wall clock counts too', now - hour, null, 5, clock({ bootId: null }), now - hour],
  ['a monotonic clock ahead of its hello is not believed beyond the arrival', now, boot, 99 * hour, clock(), now],
  [
    'spooled before the uptime began anew within one boot, as of a container: the wall clock',
    now - 52_000,
    boot,
    20 * hour,
    clock(),
    now - 52_000,
  ],
  ['a wall clock ahead is not believed beyond the arrival', now + 900 * hour, 'boot-0', 1, clock(), now],
  ['a file that says nothing of clocks', now - hour, 'b', 1, null, now - hour],
  ['the year 1', Date.parse('0001-01-01'), 'boot-0', 1, clock({ offsetMs: 9e15 }), Date.UTC(1000, 0, 1)],
];

for (const [what, wallMs, bootId, uptimeMs, facts, expected] of table) {
  test(`observed at: ${what}`, () => {
    const report = { datetime: at(wallMs), boot_id: bootId, monotonic_ms: uptimeMs };
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
