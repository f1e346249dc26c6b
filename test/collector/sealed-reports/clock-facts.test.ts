import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockFactsOf, collectedAtMs, observedAtMs } from '../../../src/collector/sealed-reports/clock-facts.ts';

const received = Date.UTC(2026, 10, 20, 10, 0, 0);
const hour = 3_600_000;
const clock = { offsetMs: 0, monotonicZeroMs: received - 10 * hour, bootId: 'boot-1' };
const corrected = { ...clock, offsetMs: 2 * hour };
const daysWrong = { ...clock, offsetMs: -87 * hour };
const at = (ms: number): string => new Date(ms).toISOString();

const [now, boot] = [received, 'boot-1'];
const anew = 'spooled before the uptime began anew within one boot, as of a container: the wall clock';
const wrong = 'spooled three hours ago in this boot, by a wall clock that is days wrong';

// The time on the wall clock, the boot id, the uptime, the clocks in the hello, and the expected time.
for (const { what, wallMs, bootId, uptimeMs, facts, expected } of [
  { what: 'made just now', wallMs: now, bootId: boot, uptimeMs: 10 * hour, facts: clock, expected: now },
  {
    what: wrong,
    wallMs: now - 90 * hour,
    bootId: boot,
    uptimeMs: 7 * hour,
    facts: daysWrong,
    expected: now - 3 * hour,
  },
  {
    what: 'spooled in an earlier boot: the wall clock, corrected',
    wallMs: now - 5 * hour,
    bootId: 'b',
    uptimeMs: 50 * hour,
    facts: corrected,
    expected: now - 7 * hour,
  },
  {
    what: 'without a boot id the wall clock counts too',
    wallMs: now - hour,
    bootId: null,
    uptimeMs: 5,
    facts: { ...clock, bootId: null },
    expected: now - hour,
  },
  {
    what: 'a monotonic clock ahead of its hello is not believed beyond the arrival',
    wallMs: now,
    bootId: boot,
    uptimeMs: 99 * hour,
    facts: clock,
    expected: now,
  },
  { what: anew, wallMs: now - 52_000, bootId: boot, uptimeMs: 20 * hour, facts: clock, expected: now - 52_000 },
  {
    what: 'a wall clock ahead is not believed beyond the arrival',
    wallMs: now + 900 * hour,
    bootId: 'boot-0',
    uptimeMs: 1,
    facts: clock,
    expected: now,
  },
  {
    what: 'a file that says nothing of clocks',
    wallMs: now - hour,
    bootId: 'b',
    uptimeMs: 1,
    facts: null,
    expected: now - hour,
  },
  {
    what: 'the year 1',
    wallMs: Date.parse('0001-01-01'),
    bootId: 'boot-0',
    uptimeMs: 1,
    facts: { ...clock, offsetMs: 9e15 },
    expected: Date.UTC(1000, 0, 1),
  },
] as const) {
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
  const expected = { offsetMs: 1500, monotonicZeroMs: received - 1000, bootId: 'b' };
  assert.deepEqual(clockFactsOf({ ...hello, receivedAtMs: received, offsetMs: 1500 }), expected);
});

test('an uptime is believed up to five seconds beyond the arrival', () => {
  const made = (aheadMs: number): number =>
    observedAtMs({ datetime: at(now - hour), boot_id: boot, monotonic_ms: 10 * hour + aheadMs }, received, clock);
  assert.deepEqual([made(-1), made(5000), made(5001)], [now - 1, now, now - hour]);
});
