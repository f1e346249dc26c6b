import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  isDate,
  isZone,
  nearestZone,
  parseClock,
  parseDays,
  parseMoment,
} from '../../../src/config/values/calendar.ts';

test('days of the week, ranges around the weekend included', () => {
  const table: readonly (readonly [string, readonly number[] | null])[] = [
    ['sun', [0]],
    ['mon-fri', [1, 2, 3, 4, 5]],
    ['fri-mon', [0, 1, 5, 6]],
    ['Sat, SUN', [0, 6]],
    ['mon-wed,tue', [1, 2, 3]],
    ['sunday', null],
    ['mon-', null],
    ['mon-tue-wed', null],
    ['', null],
  ];
  for (const [text, days] of table) assert.deepEqual(parseDays(text), days, text);
});

test('times of day and dates', () => {
  assert.equal(parseClock('02:30'), 150);
  assert.equal(parseClock('23:59'), 1439);
  for (const text of ['24:00', '2:00', '02:60', '02', '02:00:00']) assert.equal(parseClock(text), null, text);
  assert.equal(isDate('2028-02-29'), true);
  for (const text of ['2027-02-29', '2026-13-01', '2026-1-1', '26-01-01', '']) assert.equal(isDate(text), false, text);
});

test('moments in a zone, over both changes of the clock', () => {
  const berlin = 'Europe/Berlin';
  const table: readonly (readonly [string, string | null, string | null])[] = [
    ['2026-12-01', berlin, '2026-11-30T23:00:00.000Z'],
    ['2026-07-01 06:00', berlin, '2026-07-01T04:00:00.000Z'],
    ['2026-07-01T06:00:30Z', berlin, '2026-07-01T06:00:30.000Z'],
    ['2026-07-01T06:00+05:30', null, '2026-07-01T00:30:00.000Z'],
    ['2026-03-29 01:59', berlin, '2026-03-29T00:59:00.000Z'],
    ['2026-03-29 02:30', berlin, '2026-03-29T01:30:00.000Z'],
    ['2026-03-29 03:00', berlin, '2026-03-29T01:00:00.000Z'],
    ['2026-10-25 01:30', berlin, '2026-10-24T23:30:00.000Z'],
    ['2026-10-25 03:30', berlin, '2026-10-25T02:30:00.000Z'],
    ['2026-03-08 02:30', 'America/New_York', '2026-03-08T07:30:00.000Z'],
    ['2026-11-01 03:30', 'America/New_York', '2026-11-01T08:30:00.000Z'],
    ['2026-06-01 00:00', 'Pacific/Auckland', '2026-05-31T12:00:00.000Z'],
    ['2026-02-30', berlin, null],
    ['tomorrow', berlin, null],
    ['2026-07-01 25:00', berlin, null],
  ];
  for (const [text, zone, iso] of table) {
    const ms = parseMoment(text, zone);
    assert.equal(ms === null ? null : new Date(ms).toISOString(), iso, text);
  }
  // The hour that occurs twice may be read as either.
  const twice = parseMoment('2026-10-25 02:30', berlin) ?? 0;
  assert.ok(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'].includes(new Date(twice).toISOString()));
});

test('zones, and the nearest to a misspelt one', () => {
  for (const zone of ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires']) assert.equal(isZone(zone), true, zone);
  for (const zone of ['+02:00', 'Europe/Belrin', '', 'Mars', '../etc']) assert.equal(isZone(zone), false, zone);
  assert.equal(nearestZone('Europe/Belrin'), 'Europe/Berlin');
  assert.equal(nearestZone('Berlin'), 'Europe/Berlin');
  assert.equal(nearestZone('Mars/Olympus'), null);
});
