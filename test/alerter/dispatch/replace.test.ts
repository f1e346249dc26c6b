import assert from 'node:assert/strict';
import { test } from 'node:test';

import { identityOf } from '../../../src/alerter/compose/compose-mail.ts';
import { dispatchTests, mailed, startDispatch, type DispatchWorld } from '../support/dispatch-world.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `
  <alerts repeat="12h" groupInterval="1s">
    <mail to="ops@example.org"/><alert type="disk" warning="85%" critical="95%"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>
  <client name="web-2" ip="192.0.2.2" username="u"/>`;

/** Starts a world whose mail server does not answer. */
function startWithout(): DispatchWorld {
  const world = startDispatch(fleet);
  world.server('down');
  return world;
}

const it = dispatchTests(startWithout);

it('a waiting mail is replaced by a fresher one that carries its news', (world) => {
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 disk /']);
  world.at('08:10').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /, firing critical web-2 disk / (instead of 1)']);
  world.server('up');
  assert.deepEqual(pluck(world.mails, 'state'), ['replaced', 'sent']);
});

it('what fired and ended before its mail could go is notified as past, to one who never heard of it', (world) => {
  mailed(world, 'web-1 disk /');
  world.at('09:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: past web-1 disk / 08:00 to 09:00 (instead of 1)']);
});

it('a warning that got worse before its mail could go is notified as critical at once', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.at('08:30').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk / (instead of 1)']);
});

test('one that came as far as DATA counts as delivered, so the end is a recovery', () => {
  const world = startDispatch(fleet);
  world.server('stalls');
  world.fires('web-1 disk /');
  world.pass('08:00');
  world.at('09:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 disk /']);
});

it('what waits and is silenced meanwhile is notified after the silence, not in the mail that replaces it', (world) => {
  mailed(world, 'web-1 disk /');
  world.silence('web-1', '*', '08:05', '10:00');
  world.at('08:10').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-2 disk / (instead of 1)']);
  world.server('up');
  assert.deepEqual(pluck(world.mails, 'state'), ['replaced', 'sent']);
  world.at('10:05').row('web-1');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
});

it('an escalation never overtakes the mail with its beginning, whatever else is in that mail', (world) => {
  world.fires('web-1 disk /', { severity: 'warning' });
  world.fires('web-2 disk /', { severity: 'warning' });
  world.pass('08:00');
  world.silence('web-2', '*', '08:05', '10:00');
  world.at('08:10').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk / (instead of 1)']);
  world.at('08:20').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: past web-1 disk / 08:00 to 08:20 (instead of 2)']);
  world.at('10:05').row('web-2');
  assert.deepEqual(world.pass(), ['ops: firing warning web-2 disk /, past web-1 disk / 08:00 to 08:20 (instead of 3)']);
});

it('what was not watched any more before its mail could go is not notified, and settles', (world) => {
  world.fires('web-1 disk /', { severity: 'warning' });
  world.pass('08:00');
  world.closes('web-1 disk /', 'unwatched');
  world.at('08:10').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-2 disk / (instead of 1)']);
  world.pass('08:15');
  assert.deepEqual(
    world
      .alerts()
      .filter(({ closedOut }) => closedOut)
      .map(({ client }) => client),
    ['web-1'],
  );
});

it('what got better and worse again while its mail waited is as the recipient knows it', (world) => {
  world.server('up');
  mailed(world, 'web-1 disk /');
  world.server('down');
  world.at('08:10').changes('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass(), ['ops: eased warning web-1 disk /']);
  world.at('08:20').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), [], 'an escalation before the mail that it eased would end with the wrong state');
  assert.ok(world.held().includes('web-1 disk /: older-mail for ops'));
  world.at('08:30').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-2 disk / (instead of 2)']);
});

/** Makes the first mail of a world one that may have arrived, as after a crash within DATA. */
function mayHaveArrived(world: DispatchWorld): void {
  const [{ mail, id, createdAtMs } = { mail: null, id: 0, createdAtMs: 0 }] = world.mails;
  const items = (mail?.items ?? []).map(({ alertId, sequence, transition, before }) => ({
    ...{ alertId, sequence, transition, before },
  }));
  world.add({ begun: [{ id, recipient: 'ops@example.org', messageId: '<1@example.org>', createdAtMs, items }] });
}

test('a mail that may have arrived is not replaced, nor one that goes on with its alerts', () => {
  const world = startDispatch(fleet);
  world.server('stalls');
  world.fires('web-1 disk /', { severity: 'warning' });
  world.pass('08:00');
  world.server('down');
  mayHaveArrived(world);
  world.at('08:10').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['ops: escalated critical web-1 disk /']);
  world.at('08:20').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-2 disk /'], 'the second mail stays with the first');
});

test('an alert in a mail that may have arrived waits for that mail, and others for the group interval', () => {
  const world = startDispatch(fleet.replace(' groupInterval="1s"', ''));
  world.server('stalls');
  world.fires('web-1 disk /', { severity: 'warning' });
  world.pass('08:00');
  mayHaveArrived(world);
  world.at('08:05').recovers('web-1 disk /');
  world.fires('web-2 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), [
    'web-1 disk /: older-mail for ops',
    'web-2 disk /: group-interval until 08:15 for ops',
  ]);
});

test('a worse turn that eased again cannot be notified as news any more, so the waiting mail stays', () => {
  const world = mailed(startDispatch(fleet), 'web-1 disk /', { severity: 'warning' });
  world.server('down');
  world.at('08:10').changes('web-1 disk /', { severity: 'critical' });
  world.pass();
  world.at('08:20').changes('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  world.server('up');
  assert.deepEqual(world.pass('08:30'), ['ops: eased warning web-1 disk /']);
});

it('nobody is reminded of what waits, however long it does', (world) => {
  mailed(world, 'web-1 disk /');
  assert.deepEqual(world.pass('20:00'), []);
  assert.deepEqual(world.pass('+1 20:00'), []);
  world.server('up');
  assert.equal(world.mails.length, 1);
});

test('a reminder that waits is replaced by news, and goes on as a reminder', () => {
  const world = mailed(startDispatch(fleet), 'web-1 disk /');
  world.server('down');
  assert.deepEqual(world.pass('20:00'), ['ops: reminder critical web-1 disk /']);
  world.at('20:30').fires('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-2 disk /, reminder critical web-1 disk / (instead of 2)']);
});

test('reminders differ from each other in what makes their Message-ID', () => {
  const world = startDispatch(fleet);
  world.fires('web-1 disk /');
  for (const time of ['08:00', '20:00', '+1 08:00']) world.pass(time);
  const identities = world.mails.map(({ mail }) => mail.items.map(identityOf).join());
  assert.equal(new Set(identities).size, 3);
});

it('an outage of a day leaves one mail', (world) => {
  for (let hour = 8; hour < 32; hour++) {
    const time = `${hour >= 24 ? '+1 ' : ''}${String(hour % 24).padStart(2, '0')}:00`;
    world.at(time).fires(`web-1 disk /data-${hour}`);
    if (hour % 3 === 0) world.recovers(`web-1 disk /data-${hour - 1}`);
    world.pass();
  }
  assert.equal(world.mails.filter(({ state }) => state === 'waiting').length, 1);
  assert.equal(world.mails.at(-1)?.mail.items.length, 24);
});

test('a mail that would be replaced does not count against the cap', () => {
  const capped = startDispatch(`<smtp host="localhost" maxMailsPerHour="1"/>${fleet}`);
  capped.server('down');
  capped.fires('web-1 disk /', { severity: 'warning' });
  assert.equal(capped.pass('08:00').length, 1);
  capped.fires('web-2 disk /', { severity: 'warning' });
  assert.deepEqual(capped.pass('08:05'), [
    'ops: firing warning web-1 disk /, firing warning web-2 disk / (instead of 1)',
  ]);
});

it('what a waiting mail speaks of is settled only once it is gone', (world) => {
  mailed(world, 'web-1 disk /');
  world.at('09:00').recovers('web-1 disk /');
  world.pass();
  world.pass('09:05');
  assert.equal(world.alerts()[0]?.closedOut, false);
  world.server('up');
  world.pass('09:10');
  assert.equal(world.alerts()[0]?.closedOut, true);
});
