import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  isDate,
  isOnDays,
  isZone,
  nearestZone,
  parseClock,
  parseDays,
  parseHours,
  parseMoment,
} from '../../../src/config/values/calendar.ts';

test('days of the week and of the month, ranges around their ends included', () => {
  const table: readonly (readonly [string, string | null])[] = [
    ['sun', 'sun'],
    ['mon-fri', 'mon,tue,wed,thu,fri'],
    ['fri-mon', 'fri,sat,sun,mon'],
    ['Sat, SUN', 'sat,sun'],
    ['mon-wed,tue', 'mon,tue,wed'],
    ['2nd Tue, last fri,1st  mon', '2nd tue,last fri,1st mon'],
    ['1, 30-2,last', '1,30,31,2,last'],
    ['2ndtue', null],
    ['2nd', null],
    ['2nd tue-fri', null],
    ['last-last', null],
    ['6th sun', null],
    ['0', null],
    ['01', null],
    ['32', null],
    ['1-mon', null],
    ['sunday', null],
    ['mon-', null],
    ['mon-tue-wed', null],
    ['', null],
  ];
  for (const [text, days] of table) assert.equal(parseDays(text)?.join() ?? null, days, text);
});

test('a word of a month means one day of each month, or none', () => {
  const months = (word: string): readonly string[] =>
    Array.from({ length: 365 }, (_, at) => Date.UTC(2026, 0, 1 + at))
      .filter((day) => isOnDays([word], day))
      .map((day) => new Date(day).toISOString().slice(5, 10));
  assert.deepEqual(months('1st thu').slice(0, 3), ['01-01', '02-05', '03-05']);
  assert.deepEqual(months('2nd tue').slice(9), ['10-13', '11-10', '12-08']);
  assert.deepEqual(months('5th sat'), ['01-31', '05-30', '08-29', '10-31']);
  assert.deepEqual(months('last sat').slice(0, 3), ['01-31', '02-28', '03-28']);
  assert.deepEqual(months('31').length, 7);
  assert.deepEqual(months('last').slice(0, 4), ['01-31', '02-28', '03-31', '04-30']);
  for (const word of ['1', '28', 'last', '1st sun', '4th wed', 'last wed']) assert.equal(months(word).length, 12, word);
});

test('times of day and dates', () => {
  assert.equal(parseClock('02:30'), 150);
  assert.equal(parseClock('23:59'), 1439);
  assert.equal(parseHours('2nd tue 08:00-18:00') ?? parseHours('1 08:00-18:00'), null, 'hours are of every week');
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
