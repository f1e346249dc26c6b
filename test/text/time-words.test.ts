import assert from 'node:assert/strict';
import { test } from 'node:test';

import { spanInWords, timeInWords, zoneInWords } from '../../src/text/time-words.ts';
import { at } from '../alerter/support/rows.ts';
import { inServerZone } from './support/server-zone.ts';

const berlin = { zone: 'Europe/Berlin', nowMs: at('10:05') };

const times: readonly {
  readonly name: string;
  readonly zone: string;
  readonly atMs: number;
  readonly words: string;
}[] = [
  { name: 'east', zone: 'Europe/Berlin', atMs: at('08:00'), words: 'Fri 20 Nov 09:00' },
  { name: 'west', zone: 'America/New_York', atMs: at('02:00'), words: 'Thu 19 Nov 21:00' },
  { name: 'a quarter of an hour', zone: 'Asia/Kathmandu', atMs: at('08:00'), words: 'Fri 20 Nov 13:45' },
  { name: 'UTC', zone: 'UTC', atMs: at('08:00'), words: 'Fri 20 Nov 08:00' },
  { name: 'another year', zone: 'UTC', atMs: Date.UTC(2025, 11, 31, 23, 59, 59), words: 'Wed 31 Dec 2025 23:59' },
  {
    name: 'another year in the zone alone',
    zone: 'Asia/Tokyo',
    atMs: Date.UTC(2025, 11, 31, 16, 0),
    words: 'Thu 1 Jan 01:00',
  },
  {
    name: 'before the clocks changed',
    zone: 'Europe/Berlin',
    atMs: Date.UTC(2026, 9, 25, 0, 30),
    words: 'Sun 25 Oct 02:30 (UTC+2)',
  },
  {
    name: 'after the clocks changed',
    zone: 'Europe/Berlin',
    atMs: Date.UTC(2026, 9, 25, 1, 30),
    words: 'Sun 25 Oct 02:30',
  },
  {
    name: 'a negative offset that changed',
    zone: 'America/New_York',
    atMs: Date.UTC(2026, 6, 1, 12, 0),
    words: 'Wed 1 Jul 08:00 (UTC-4)',
  },
];

for (const { name, zone, atMs, words } of times) {
  test(`time: ${name}`, () => {
    assert.equal(timeInWords({ zone, nowMs: at('10:05') }, atMs), words);
  });
}

test('a span names its second day only where it is another', () => {
  assert.equal(spanInWords(berlin, at('08:00'), at('10:05')), 'Fri 20 Nov 09:00 to 11:05');
  assert.equal(spanInWords(berlin, at('22:30'), at('23:30')), 'Fri 20 Nov 23:30 to Sat 21 Nov 00:30');
});

test('zones are named with their offset', () => {
  assert.equal(zoneInWords(berlin), 'Europe/Berlin (UTC+1)');
  assert.equal(zoneInWords({ zone: 'Asia/Kathmandu', nowMs: 0 }), 'Asia/Kathmandu (UTC+5:30)');
  assert.equal(zoneInWords({ zone: 'UTC', nowMs: 0 }), 'UTC');
});

test("without a zone it is the server's", () => {
  inServerZone('America/New_York', () => {
    assert.equal(zoneInWords({ zone: null, nowMs: at('10:05') }), 'America/New_York (UTC-5)');
  });
});
