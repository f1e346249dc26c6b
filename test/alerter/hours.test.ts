import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startDispatch } from './support/dispatch-world.ts';

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
