import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clockFactsOf, collectedAtMs, observedAtMs } from '../../../src/collector/spool/clock-facts.ts';

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
for (const [what, wallMs, bootId, uptimeMs, facts, expected] of [
  ['made just now', now, boot, 10 * hour, clock, now],
  [wrong, now - 90 * hour, boot, 7 * hour, daysWrong, now - 3 * hour],
  ['spooled in an earlier boot: the wall clock, corrected', now - 5 * hour, 'b', 50 * hour, corrected, now - 7 * hour],
  ['without a boot id the wall clock counts too', now - hour, null, 5, { ...clock, bootId: null }, now - hour],
  ['a monotonic clock ahead of its hello is not believed beyond the arrival', now, boot, 99 * hour, clock, now],
  [anew, now - 52_000, boot, 20 * hour, clock, now - 52_000],
  ['a wall clock ahead is not believed beyond the arrival', now + 900 * hour, 'boot-0', 1, clock, now],
  ['a file that says nothing of clocks', now - hour, 'b', 1, null, now - hour],
  ['the year 1', Date.parse('0001-01-01'), 'boot-0', 1, { ...clock, offsetMs: 9e15 }, Date.UTC(1000, 0, 1)],
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
