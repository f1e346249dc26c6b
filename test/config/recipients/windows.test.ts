import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wallTime, zoneOffsetMs } from '../../../src/text/zone-time.ts';
import { parseClock } from '../../../src/config/values/calendar.ts';
import type { Window } from '../../../src/config/config.ts';
import { windowSpans, windowUntil } from '../../../src/config/recipients/windows.ts';

const hour = 3_600_000;

function windowAt(start: string, hours: number, over: Partial<Window> = {}): Window {
  const times = { days: [], date: null, startMinute: parseClock(start) ?? 0, durationMs: hours * hour };
  return { ...times, zone: null, rules: [], severity: null, ...over };
}

function ms(iso: string): number {
  return Date.parse(iso);
}

/** Returns the spans that touch a day in UTC, as `2026-03-29T01:30Z/2026-03-29T03:30Z`. */
function spansOn(day: string, window: Window, zone = 'UTC'): readonly string[] {
  const short = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16)}Z`;
  return windowSpans(window, ms(`${day}T00:00:00Z`), ms(`${day}T23:59:59Z`), zone).map(
    ({ startsAtMs, endsAtMs }) => `${short(startsAtMs)}/${short(endsAtMs)}`,
  );
}

function dayFrom(date: string, days: number): string {
  return new Date(ms(`${date}T00:00Z`) + days * 24 * hour).toISOString().slice(0, 10);
}

const changes = [
  // Berlin: 29 March 2026 02:00 becomes 03:00; 25 October 2026 03:00 becomes 02:00.
  {
    name: 'a winter day',
    zone: 'Europe/Berlin',
    start: '02:30',
    hours: 2,
    day: '2026-03-28',
    opens: '2026-03-28T01:30Z',
  },
  {
    name: 'a skipped start comes an hour later',
    zone: 'Europe/Berlin',
    start: '02:30',
    hours: 2,
    day: '2026-03-29',
    opens: '2026-03-29T01:30Z',
  },
  {
    name: 'a window over the change is no longer',
    zone: 'Europe/Berlin',
    start: '01:00',
    hours: 3,
    day: '2026-03-29',
    opens: '2026-03-29T00:00Z',
  },
  {
    name: 'a summer day',
    zone: 'Europe/Berlin',
    start: '02:30',
    hours: 2,
    day: '2026-03-30',
    opens: '2026-03-30T00:30Z',
  },
  {
    name: 'a doubled start is its first',
    zone: 'Europe/Berlin',
    start: '02:30',
    hours: 2,
    day: '2026-10-25',
    opens: '2026-10-25T00:30Z',
  },
  {
    name: 'a window over the change is no shorter',
    zone: 'Europe/Berlin',
    start: '01:00',
    hours: 4,
    day: '2026-10-25',
    opens: '2026-10-24T23:00Z',
  },
  {
    name: 'after the doubled hour',
    zone: 'Europe/Berlin',
    start: '03:00',
    hours: 1,
    day: '2026-10-25',
    opens: '2026-10-25T02:00Z',
  },
  // New York: 8 March 2026 02:00 becomes 03:00; 1 November 2026 02:00 becomes 01:00.
  {
    name: 'a skipped start',
    zone: 'America/New_York',
    start: '02:15',
    hours: 1,
    day: '2026-03-08',
    opens: '2026-03-08T07:15Z',
  },
  {
    name: 'a doubled start',
    zone: 'America/New_York',
    start: '01:15',
    hours: 1,
    day: '2026-11-01',
    opens: '2026-11-01T05:15Z',
  },
  {
    name: 'behind UTC over midnight',
    zone: 'America/New_York',
    start: '22:00',
    hours: 1,
    day: '2026-07-02',
    opens: '2026-07-02T02:00Z',
  },
  // Lord Howe: half an hour; 4 October 2026 02:00 becomes 02:30; 5 April 2026 02:00 becomes 01:30.
  {
    name: 'a skipped start of half an hour',
    zone: 'Australia/Lord_Howe',
    start: '02:15',
    hours: 1,
    day: '2026-10-03',
    opens: '2026-10-03T15:45Z',
  },
  {
    name: 'a doubled start of half an hour',
    zone: 'Australia/Lord_Howe',
    start: '01:45',
    hours: 1,
    day: '2026-04-04',
    opens: '2026-04-04T14:45Z',
  },
];

for (const { name, zone, start, hours, day, opens } of changes) {
  test(`${zone}, ${day}: ${name}`, () => {
    const expected = `${opens}/${new Date(ms(opens) + hours * hour).toISOString().slice(0, 16)}Z`;
    const spans = spansOn(day, windowAt(start, hours, { zone }));
    assert.ok(spans.includes(expected), spans.join(', '));
  });
}

/** Hours of a recipient in nights with clock changes, and when they begin and end; null: they have no minute. */
const nights = [
  { zone: 'Europe/Berlin', date: '2026-03-29', hours: '02:30-04:00', span: '2026-03-29T01:00Z/2026-03-29T02:00Z' },
  { zone: 'Europe/Berlin', date: '2026-03-29', hours: '01:00-02:30', span: '2026-03-29T00:00Z/2026-03-29T01:00Z' },
  { zone: 'Europe/Berlin', date: '2026-03-29', hours: '02:10-02:50', span: null },
  { zone: 'Europe/Berlin', date: '2026-10-25', hours: '02:30-04:00', span: '2026-10-25T00:30Z/2026-10-25T03:00Z' },
  {
    zone: 'Australia/Lord_Howe',
    date: '2026-10-04',
    hours: '02:15-03:00',
    span: '2026-10-03T15:30Z/2026-10-03T16:00Z',
  },
  { zone: 'America/Santiago', date: '2026-09-06', hours: '00:30-02:00', span: '2026-09-06T04:00Z/2026-09-06T05:00Z' },
  { zone: 'Asia/Beirut', date: '2026-03-29', hours: '00:00-00:30', span: null },
];
for (const { zone, date, hours, span } of nights) {
  test(`${zone}, ${date}: hours ${hours} begin and end by the clock`, () => {
    const [startMinute = 0, endMinute = 0] = hours.split('-').map((text) => parseClock(text) ?? 0);
    const window = { ...windowAt('00:00', 24, { zone, date }), startMinute, endMinute };
    const spans = new Set([-1, 0, 1].flatMap((days) => spansOn(dayFrom(date, days), window)));
    assert.deepEqual([...spans], span === null ? [] : [span]);
  });
}

test('a window opens once on each day of a year with its clock changes, and lasts as long as it says', () => {
  for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu']) {
    for (const start of ['00:00', '01:30', '02:00', '02:45', '23:30']) {
      const spans = windowSpans(windowAt(start, 1, { zone }), ms('2026-01-01T12:00Z'), ms('2026-12-31T12:00Z'), null);
      assert.ok(spans.length === 364 || spans.length === 365, `${zone} ${start}: ${spans.length}`);
      for (const { startsAtMs, endsAtMs } of spans) assert.equal(endsAtMs - startsAtMs, hour);
      for (const [index, { startsAtMs }] of spans.entries()) {
        const before = spans[index - 1];
        if (before === undefined) continue;
        const hours = (startsAtMs - before.startsAtMs) / hour;
        assert.ok(hours >= 23 && hours <= 25, `${zone} ${start}: ${new Date(startsAtMs).toISOString()}`);
      }
    }
  }
});

test('the end of a window is no longer in it, its start is', () => {
  const window = windowAt('02:00', 2, { zone: 'UTC' });
  assert.equal(windowUntil(window, ms('2026-11-20T01:59:59.999Z'), null), null);
  assert.equal(windowUntil(window, ms('2026-11-20T02:00Z'), null), ms('2026-11-20T04:00Z'));
  assert.equal(windowUntil(window, ms('2026-11-20T03:59:59.999Z'), null), ms('2026-11-20T04:00Z'));
  assert.equal(windowUntil(window, ms('2026-11-20T04:00Z'), null), null);
});

test('over midnight: the day is that on which the window opens', () => {
  const window = windowAt('23:00', 4, { days: ['sat'], zone: 'Europe/Berlin' });
  assert.equal(windowUntil(window, ms('2026-11-22T01:30Z'), null), ms('2026-11-22T02:00Z'));
  assert.equal(windowUntil(window, ms('2026-11-21T01:30Z'), null), null);
  assert.equal(windowUntil(window, ms('2026-11-22T22:30Z'), null), null);
});

test('the n-th weekday of a month, in the zone of the window, over changes of the clock', () => {
  const starts = (day: string, zone: string, start: string, year = 2026): readonly string[] =>
    windowSpans(
      windowAt(start, 4, { days: [day], zone }),
      ms(`${year}-01-01T12:00Z`),
      ms(`${year}-12-31T12:00Z`),
      null,
    ).map(({ startsAtMs, endsAtMs }) => {
      assert.equal(endsAtMs - startsAtMs, 4 * hour);
      return new Date(startsAtMs).toISOString().slice(5, 16);
    });
  assert.deepEqual(starts('2nd tue', 'Europe/Berlin', '22:00').slice(0, 4), [
    ...['01-13T21:00', '02-10T21:00', '03-10T21:00', '04-14T20:00'],
  ]);
  // The day is that of the zone: Sunday in Berlin begins on Saturday in UTC.
  assert.deepEqual(
    starts('last sun', 'Europe/Berlin', '02:30').filter((at) => /^(?:03|10)-/.test(at)),
    ['03-29T01:30', '10-25T00:30'],
  );
  assert.deepEqual(starts('1st sun', 'America/New_York', '01:15').slice(10, 11), ['11-01T05:15']);
  assert.deepEqual(starts('5th sun', 'Pacific/Auckland', '00:00'), [
    ...['03-28T11:00', '05-30T12:00', '08-29T12:00', '11-28T11:00'],
  ]);
  assert.deepEqual(starts('last', 'UTC', '00:00', 2028).slice(0, 2), ['01-31T00:00', '02-29T00:00']);
});

test('seven days long: it holds on the last of them', () => {
  const window = windowAt('12:00', 7 * 24, { days: ['mon'], zone: 'UTC' });
  assert.equal(windowUntil(window, ms('2026-11-23T11:59Z'), null), ms('2026-11-23T12:00Z'));
  const once = windowAt('12:00', 7 * 24, { date: '2026-11-16', zone: 'UTC' });
  assert.equal(windowUntil(once, ms('2026-11-23T11:59Z'), null), ms('2026-11-23T12:00Z'));
  assert.equal(windowUntil(once, ms('2026-11-23T12:00Z'), null), null);
  assert.equal(windowUntil(once, ms('2026-11-30T11:59Z'), null), null);
});

test('windows that overlap themselves end with the last', () => {
  const window = windowAt('12:00', 30, { zone: 'UTC' });
  assert.equal(windowUntil(window, ms('2026-11-20T13:00Z'), null), ms('2026-11-21T18:00Z'));
});

test('the zone is its own, else that of <alerts>', () => {
  const nowMs = ms('2026-11-20T01:30Z');
  assert.notEqual(windowUntil(windowAt('02:00', 1), nowMs, 'Europe/Berlin'), null);
  assert.equal(windowUntil(windowAt('02:00', 1, { zone: 'UTC' }), nowMs, 'Europe/Berlin'), null);
});

test('offsets that are no whole hours', () => {
  const atMs = wallTime('Asia/Kathmandu', ms('2026-06-01T00:00Z'), 8 * 60);
  assert.equal(new Date(atMs).toISOString(), '2026-06-01T02:15:00.000Z');
  assert.equal(zoneOffsetMs('Asia/Kathmandu', atMs), 5.75 * hour);
});
