import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseSince, parseSpanAhead } from '../../../src/cli/command/until.ts';
import { makeConfig } from '../../support/fleets/fleet.ts';

const base = makeConfig('/nowhere', []);
const config = { alerts: { ...base.alerts, zone: 'Europe/Berlin' } };
// 15:30 in Berlin.
const nowMs = Date.parse('2026-11-20T14:30:00Z');

for (const [until, from, at] of [
  ['2h', null, '2026-11-20T16:30'],
  ['18:00', null, '2026-11-20T17:00'],
  ['8:00', null, '2026-11-21T07:00'],
  ['15:30', null, '2026-11-21T14:30'],
  ['tomorrow', null, '2026-11-20T23:00'],
  ['tomorrow 08:00', null, '2026-11-21T07:00'],
  ['today 18:00', null, '2026-11-20T17:00'],
  ['06:00', '22:00', '2026-11-21T05:00'],
  ['2h', '22:00', '2026-11-20T23:00'],
  ['2026-12-01 06:00', 'tomorrow', '2026-12-01T05:00'],
] as const) {
  test(`until ${until}${from === null ? '' : ` from ${from}`} is ${at} UTC at half past three in Berlin`, () => {
    const { endsAtMs } = parseSpanAhead({ from, until, for: null }, config, nowMs);
    assert.equal(new Date(endsAtMs ?? 0).toISOString().slice(0, 16), at);
  });
}

for (const [since, at] of [
  ['12h', '2026-11-20T02:30'],
  ['06:00', '2026-11-20T05:00'],
  ['22:00', '2026-11-19T21:00'],
  ['yesterday', '2026-11-18T23:00'],
  ['yesterday 18:00', '2026-11-19T17:00'],
] as const) {
  test(`since ${since} is ${at} UTC`, () => {
    assert.equal(new Date(parseSince('--since', since, config, nowMs)).toISOString().slice(0, 16), at);
  });
}

for (const text of ['25:00', 'tomorrow 24:30', 'soon', '', 'today 08:00', 'yesterday']) {
  test(`until "${text}" is refused`, () => {
    assert.throws(() => parseSpanAhead({ from: null, until: text, for: null }, config, nowMs), /is no time|has passed/);
  });
}
