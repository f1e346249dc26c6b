import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseHours } from '../../src/config/values/calendar.ts';
import type { Window } from '../../src/config/config.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { startDispatch } from './support/dispatch-world.ts';
import { windowSpans, windowUntil } from '../../src/config/recipients/windows.ts';

// 20 November 2026 is a Friday.
const fleetWith = (recipients: string, window = ''): string => `
  <alerts zone="UTC" repeat="1h">${recipients}${window}<alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;
const office = '<mail to="office@example.org" hours="mon-fri 08:00-18:00"/>';

test('outside of the hours news waits, and is notified when they begin', () => {
  const world = startDispatch(fleetWith(office));
  world.at('17:50').fires('web-1 disk /');
  assert.deepEqual(world.pass(), ['office: firing critical web-1 disk /']);
  world.at('18:00').fires('web-1 disk /data', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /data: hours until +3 08:00 for office']);
  assert.deepEqual(world.pass('+1 12:00'), [], 'a Saturday; no reminder either');
  world.at('+3 07:59').row('web-1');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.pass('+3 08:00'), ['office: firing warning web-1 disk /data, reminder critical web-1 disk /']);
});

test('what began and ended outside of the hours is notified as over', () => {
  const world = startDispatch(fleetWith(office));
  world.at('19:00').fires('web-1 disk /');
  world.pass();
  world.at('20:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.pass('+3 08:00'), ['office: past web-1 disk / 19:00 to 20:00']);
});

test('an alert that was acknowledged outside of the hours is not notified when they begin, until that ends', () => {
  const recipients = '<mail to="ops@example.org"/><mail to="night@example.org" hours="20:00-08:00"/>';
  const world = startDispatch(fleetWith(recipients));
  world.at('18:00').fires('web-1 disk /');
  world.fires('web-1 disk /data');
  world.pass();
  world.at('18:20').acknowledge('web-1 disk /');
  world.acknowledge('web-1 disk /data', '21:00');
  assert.deepEqual(world.pass('20:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: acknowledged', 'web-1 disk /data: acknowledged until 21:00']);
  assert.match(world.pass('21:00').join(), /night: firing critical web-1 disk \/data\b/);
  world.at('21:30').fires('web-1 disk /srv');
  world.acknowledge('web-1 disk /srv');
  assert.ok(world.pass().includes('night: firing critical web-1 disk /srv'), 'acknowledged within the hours');
});

test('somebody who is named for criticals without hours is notified of these at once', () => {
  const world = startDispatch(fleetWith(`${office}<mail to="office@example.org" severity="critical"/>`));
  world.at('19:00').fires('web-1 disk /');
  world.fires('web-1 disk /data', { severity: 'warning' });
  assert.deepEqual(world.pass(), ['office: firing critical web-1 disk /']);
});

test('a window for warnings holds back warnings and what is notified of them, and no critical', () => {
  const window = '<window start="09:00" duration="2h" severity="warning"/>';
  const world = startDispatch(fleetWith('<mail to="ops@example.org"/>', window));
  world.at('09:05').fires('web-1 disk /');
  world.fires('web-1 disk /data', { severity: 'warning' });
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
  assert.deepEqual(world.held(), ['web-1 disk /data: window until 11:00']);
  world.at('09:30').changes('web-1 disk /data', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /data']);
});

const minuteMs = 60_000;

/** Returns hours as config.xml has them. */
function hoursOf(text: string, zone: string): Window {
  const hours = parseHours(text);
  assert.ok(hours !== null, text);
  return { ...hours, date: null, zone, rules: [], severity: null };
}

/** The changes of clocks of 2026 and 2027 in these zones, and the skipped day of Samoa. */
const changes = [
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['Europe/Berlin', '2027-03-28T01:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Australia/Lord_Howe', '2027-04-03T15:00Z'],
  ['America/Santiago', '2026-09-06T04:00Z'],
  ['America/Havana', '2026-11-01T05:00Z'],
  ['Asia/Beirut', '2027-03-27T22:00Z'],
  ['Africa/Casablanca', '2027-03-07T02:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['UTC', '2026-12-31T00:00Z'],
] as const;

const clock = fc
  .tuple(fc.nat(23), fc.constantFrom(0, 0, 30, 15, 59))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);

test('complementary hours leave no minute uncovered and none covered twice, in every zone', () => {
  const play = ([zone, change]: (typeof changes)[number], one: string, other: string): void => {
    const [day, night] = [hoursOf(`${one}-${other}`, zone), hoursOf(`${other}-${one}`, zone)];
    const [fromMs, untilMs] = [-30, 30].map((hours) => Date.parse(change) + hours * 60 * minuteMs) as [number, number];
    const spans = [day, night].map((hours) => windowSpans(hours, fromMs, untilMs, null));
    for (let atMs = fromMs; atMs < untilMs; atMs += minuteMs) {
      const open = spans.filter((own) => own.some(({ startsAtMs, endsAtMs }) => startsAtMs <= atMs && atMs < endsAtMs));
      assert.equal(open.length, 1, `${zone} ${new Date(atMs).toISOString()} ${one}-${other}`);
    }
  };
  const times = fc.tuple(clock, clock).filter(([one, other]) => one !== other);
  const property = fc.property(fc.constantFrom(...changes), times, (change, [one, other]) => play(change, one, other));
  fc.assert(property, { numRuns: isLong ? 3_000 : isWide ? 600 : 60, seed: 20261025 });
  for (const change of changes) play(change, '22:00', '06:00');
});

test('on the night when summer time ends somebody is on call until the clock shows the end of the hours', () => {
  const night = hoursOf('22:00-06:00', 'Europe/Berlin');
  const until = windowUntil(night, Date.parse('2026-10-25T04:10Z'), null);
  assert.equal(until, Date.parse('2026-10-25T05:00Z'));
  assert.equal(windowUntil(night, Date.parse('2027-03-28T04:00Z'), null), null);
});

test('hours may end at 24:00', () => {
  const evening = hoursOf('18:00-24:00', 'UTC');
  assert.equal(windowUntil(evening, Date.parse('2026-11-20T23:59Z'), null), Date.parse('2026-11-21T00:00Z'));
  assert.equal(windowUntil(hoursOf('00:00-24:00', 'UTC'), Date.parse('2026-11-20T00:00Z'), null) !== null, true);
  assert.equal(parseHours('24:00-06:00'), null);
});
