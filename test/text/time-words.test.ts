import assert from 'node:assert/strict';
import { test } from 'node:test';

import { spanInWords, timeInWords, zoneInWords } from '../../src/text/time-words.ts';
import { at } from '../alerter/support/rows.ts';
import { inServerZone } from './support/server-zone.ts';

const berlin = { zone: 'Europe/Berlin', nowMs: at('10:05') };

const times: readonly (readonly [string, string, number, string])[] = [
  ['east', 'Europe/Berlin', at('08:00'), 'Fri 20 Nov 09:00'],
  ['west', 'America/New_York', at('02:00'), 'Thu 19 Nov 21:00'],
  ['a quarter of an hour', 'Asia/Kathmandu', at('08:00'), 'Fri 20 Nov 13:45'],
  ['UTC', 'UTC', at('08:00'), 'Fri 20 Nov 08:00'],
  ['another year', 'UTC', Date.UTC(2025, 11, 31, 23, 59, 59), 'Wed 31 Dec 2025 23:59'],
  ['another year in the zone alone', 'Asia/Tokyo', Date.UTC(2025, 11, 31, 16, 0), 'Thu 1 Jan 01:00'],
  ['before the clocks changed', 'Europe/Berlin', Date.UTC(2026, 9, 25, 0, 30), 'Sun 25 Oct 02:30 (UTC+2)'],
  ['after the clocks changed', 'Europe/Berlin', Date.UTC(2026, 9, 25, 1, 30), 'Sun 25 Oct 02:30'],
  ['a negative offset that changed', 'America/New_York', Date.UTC(2026, 6, 1, 12, 0), 'Wed 1 Jul 08:00 (UTC-4)'],
];

for (const [name, zone, atMs, words] of times) {
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
