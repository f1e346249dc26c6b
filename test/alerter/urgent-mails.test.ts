import assert from 'node:assert/strict';
import { test } from 'node:test';

import { at } from './support/rows.ts';
import { startDispatch } from './support/dispatch-world.ts';

const fleet = `
  <smtp host="mail.example.org" from="f@example.org" maxMailsPerHour="100"/>
  <alerts groupInterval="15m"><mail to="ops@example.org"/></alerts>
  <client name="app-9" ip="192.0.2.1" username="u"/><client name="db-1" ip="192.0.2.2" username="u"/>`;

test('a client that invents a critical alert each minute causes few mails, and delays no other client', () => {
  const world = startDispatch(fleet);
  let mails = 0;
  for (let minute = 0; minute < 60; minute++) {
    world.at(at('08:00') + minute * 60_000).fires(`app-9 disk /invented-${minute}`);
    mails += world.pass().length;
  }
  assert.ok(mails <= 6 + 5, `${mails} mails in an hour`);
  assert.equal(
    world.notified().length,
    world.mails.flatMap(({ mail }) => mail.items).length,
    'nothing is notified twice',
  );
  world.at(at('08:59') + 90_000).fires('db-1 disk /');
  assert.match(world.pass()[0] ?? '', /firing critical db-1 disk \//);
});

test('what one client invents beyond its urgent mails is notified with the next ordinary mail', () => {
  const world = startDispatch(fleet);
  for (let minute = 0; minute < 40; minute++) {
    world.at(at('08:00') + minute * 60_000);
    if (minute < 20) world.fires(`app-9 disk /invented-${minute}`);
    world.pass();
  }
  assert.equal(world.notified().length, 20);
});

test('what waits because its client has had its urgent mails is held back by another reason than a warning', () => {
  const world = startDispatch(fleet);
  for (let minute = 0; minute < 7; minute++) {
    world.at(at('08:00') + minute * 60_000).fires(`app-9 disk /invented-${minute}`);
    world.pass();
  }
  world.at('08:07').fires('app-9 disk /late');
  world.fires('app-9 disk /mild', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), [
    'app-9 disk /late: urgent-mails until 08:21 for ops',
    'app-9 disk /mild: group-interval until 08:21 for ops',
  ]);
});

test('a group that lacks members every few minutes causes six urgent mails an hour, and delays no other group', () => {
  const groups = ['one', 'two'].map(
    (name, index) =>
      `<group name="${name}" need="1"><client name="${name}-[1-2]" ip="192.0.2.${index + 1}[1-2]" username="u"/></group>`,
  );
  const world = startDispatch(`${fleet}${groups.join('')}`);
  let urgent = 0;
  for (let minute = 0; minute < 60; minute += 4) {
    world.at(at('08:00') + minute * 60_000).fires('- group-short one');
    urgent += world.pass().length;
    world.at(at('08:02') + minute * 60_000).recovers('- group-short one');
    world.pass();
  }
  assert.equal(world.mails.filter(({ mail }) => !mail.ordinary).length, 6, `${urgent} passes had mails`);
  world.at('09:01').fires('- group-short two');
  assert.match(world.pass()[0] ?? '', /firing critical - group-short two/);
});
