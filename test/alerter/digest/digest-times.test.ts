import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lastOccurrences, nextOccurrence } from '../../../src/alerter/digest/digest-times.ts';
import { hourMs, minuteMs } from '../../../src/platform/units.ts';

const zone = 'Europe/Berlin';
const daily = (atMinute: number) => ({ days: [], atMinute });

/** Returns the newest occurrence at each minute of a span, without repetitions, as `date time in UTC`. */
function madeBetween(schedule: Parameters<typeof lastOccurrences>[0], from: string, to: string): readonly string[] {
  const made = new Map<string, string>();
  for (let nowMs = Date.parse(from); nowMs < Date.parse(to); nowMs += minuteMs) {
    const [newest] = lastOccurrences(schedule, zone, nowMs, 1);
    if (newest === undefined || made.has(newest.date)) continue;
    made.set(newest.date, new Date(newest.dueMs).toISOString().slice(5, 16));
  }
  return [...made].map(([date, at]) => `${date} ${at}`);
}

test('a time that the spring change skips is due once, an hour later by the clock', () => {
  assert.deepEqual(madeBetween(daily(150), '2026-03-28T12:00Z', '2026-03-30T12:00Z'), [
    '2026-03-28 03-28T01:30',
    '2026-03-29 03-29T01:30',
    '2026-03-30 03-30T00:30',
  ]);
});

test('a time that the autumn change doubles is due once, the first time', () => {
  assert.deepEqual(madeBetween(daily(150), '2026-10-24T12:00Z', '2026-10-26T12:00Z'), [
    '2026-10-24 10-24T00:30',
    '2026-10-25 10-25T00:30',
    '2026-10-26 10-26T01:30',
  ]);
});

test('seven in the morning stays seven over both changes', () => {
  const summer = ['2026-10-24 10-24T05:00', '2026-10-25 10-25T06:00'];
  assert.deepEqual(madeBetween(daily(420), '2026-10-24T12:00Z', '2026-10-25T12:00Z'), summer);
  const winter = ['2026-03-28 03-28T06:00', '2026-03-29 03-29T05:00'];
  assert.deepEqual(madeBetween(daily(420), '2026-03-28T12:00Z', '2026-03-29T12:00Z'), winter);
});

test('only the days named are due, the newest first, and never ahead of time', () => {
  const nowMs = Date.parse('2026-11-23T06:00Z');
  const mondays = { days: ['mon'], atMinute: 420 };
  const dates = (atMs: number) => lastOccurrences(mondays, zone, atMs, 3).map(({ date }) => date);
  assert.deepEqual(dates(nowMs), ['2026-11-23', '2026-11-16', '2026-11-09']);
  assert.deepEqual(dates(nowMs - 1), ['2026-11-16', '2026-11-09', '2026-11-02']);
  assert.equal(nextOccurrence(mondays, zone, nowMs).date, '2026-11-30');
  assert.equal(nextOccurrence(mondays, zone, nowMs - 1).date, '2026-11-23');
});

test('a digest of the month keeps its time by the clock, whatever the length of the month', () => {
  const nowMs = Date.parse('2026-12-01T12:00Z');
  const last = (word: string, most: number, atMinute = 150): readonly string[] =>
    lastOccurrences({ days: [word], atMinute }, zone, nowMs, most).map(
      ({ date, dueMs }) => `${date} ${new Date(dueMs).toISOString().slice(5, 16)}`,
    );
  assert.deepEqual(last('1', 3), ['2026-12-01 12-01T01:30', '2026-11-01 11-01T01:30', '2026-10-01 10-01T00:30']);
  assert.deepEqual(last('last', 10).slice(-2), ['2026-03-31 03-31T00:30', '2026-02-28 02-28T01:30']);
  // Both changes of the clock are on a last Sunday: 02:30 is skipped in March and doubled in October.
  assert.deepEqual(
    last('last sun', 9).filter((line) => /-(?:03|10)-/.test(line.slice(0, 9))),
    ['2026-10-25 10-25T00:30', '2026-03-29 03-29T01:30'],
  );
  assert.equal(last('5th sun', 11).length, 11);
  assert.equal(last('31', 11).length, 11);
  const next = nextOccurrence({ days: ['last'], atMinute: 0 }, zone, Date.parse('2028-02-01T00:00Z'));
  assert.deepEqual(next, { date: '2028-02-29', dueMs: Date.parse('2028-02-28T23:00Z') });
});

test('the next time is always ahead, and is the last one once it has come', () => {
  for (const [schedule, from] of [
    [daily(150), '2026-03-28T00:00Z'],
    [daily(150), '2026-10-24T00:00Z'],
    [daily(0), '2026-10-24T00:00Z'],
    [{ days: ['sun', 'wed'], atMinute: 1439 }, '2026-03-26T00:00Z'],
    [{ days: ['last', '5th sun'], atMinute: 150 }, '2026-03-28T00:00Z'],
  ] as const) {
    for (let step = 0; step < 200; step += 1) {
      const nowMs = Date.parse(from) + step * 0.5 * hourMs;
      const next = nextOccurrence(schedule, zone, nowMs);
      assert.ok(next.dueMs > nowMs);
      assert.deepEqual(lastOccurrences(schedule, zone, next.dueMs, 1), [next]);
    }
  }
});
