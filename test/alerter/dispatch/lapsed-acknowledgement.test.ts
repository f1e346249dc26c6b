import assert from 'node:assert/strict';
import { test } from 'node:test';

import { onEachDatabase } from '../../storage/support/databases.ts';
import { dispatchTests, startDispatch } from '../support/dispatch-world.ts';
import { stationFor } from '../support/station.ts';
import { acknowledge, passStories } from '../support/whole-pass-story.ts';

const fleetWith = (recipients: string, more = ''): string => `<collector every="15m"/>
  <alerts repeat="12h" groupInterval="1s">${recipients}<alert type="disk" warning="85%" critical="95%"/>${more}</alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/><client name="web-2" ip="192.0.2.2" username="u"/>`;
const ops = '<mail to="ops@example.org"/>';
const boss = '<mail to="boss@example.org" after="1h"/>';

const it = dispatchTests(() => startDispatch(fleetWith(`${ops}${boss}`)));
const disk = 'web-1 disk /';

it('whoever was notified is notified once that nobody takes care any more, also with `after`', (world) => {
  world.fires(disk);
  world.pass('08:00');
  assert.deepEqual(world.pass('09:00'), [`boss: firing critical ${disk}`]);
  world.at('09:10').acknowledge(disk, '10:00');
  assert.deepEqual(world.pass('09:59'), []);
  assert.deepEqual(world.pass('10:00'), [`boss: reminder critical ${disk}`, `ops: reminder critical ${disk}`]);
  assert.deepEqual(world.pass('10:15'), []);
  world.at('10:20').acknowledge(disk, '11:00');
  assert.deepEqual(world.pass('10:45'), []);
  assert.deepEqual(world.pass('11:15').length, 2, 'the next acknowledgement has an end of its own');
});

it('an end, a silence, a change for the worse, and no time each say something else', (world) => {
  world.configure(fleetWith(ops));
  for (const name of [disk, 'web-1 memory', 'web-2 disk /', 'web-2 memory']) world.fires(name, { severity: 'warning' });
  world.pass('08:00');
  world.at('08:05').acknowledge(disk, '08:30');
  world.acknowledge('web-1 memory');
  world.acknowledge('web-2 disk /', '08:30');
  world.acknowledge('web-2 memory', '08:30');
  world.at('08:20').recovers('web-2 memory');
  world.changes('web-2 disk /', { severity: 'critical', acknowledgedBy: null, acknowledgedUntilMs: null });
  world.silence('web-1', '*', '08:00', '09:00');
  const told = ['ops: escalated critical web-2 disk /, resolved web-2 memory'];
  assert.deepEqual(world.pass('08:20'), told);
  assert.deepEqual(world.pass('08:40'), []);
  world.at('09:05').row('web-1');
  assert.deepEqual(world.pass(), [`ops: reminder warning ${disk}`]);
});

test('whoever acknowledged is notified, whatever this person hears of; no address that config.xml lacks', () => {
  const chief = '<mail to="Chief@example.org" severity="critical"/>';
  for (const [by, told] of [
    ['chief@example.org', ['Chief: reminder warning web-1 disk /', 'ops: reminder warning web-1 disk /']],
    ['boss@example.org', ['boss: reminder warning web-1 disk /', 'ops: reminder warning web-1 disk /']],
    ['stranger@example.net', ['ops: reminder warning web-1 disk /']],
    ['|/bin/page', ['ops: reminder warning web-1 disk /']],
    ['webhook:chat', ['ops: reminder warning web-1 disk /']],
  ] as const) {
    const channels = '<webhook name="chat" url="https://chat.example.org/x" format="text" severity="critical"/>';
    const elements = fleetWith(`${ops}${boss}${chief}${channels}`);
    const world = startDispatch(`${elements}<notify command="/bin/page" severity="critical"/>`);
    world.fires(disk, { severity: 'warning' });
    world.pass('08:00');
    world.at('08:10').acknowledge(disk, '09:00', by);
    assert.deepEqual(world.pass('08:30'), []);
    assert.deepEqual(world.pass('09:00'), told, by);
    assert.deepEqual(world.pass('09:15'), [], by);
    world.at('09:30').recovers(disk);
    assert.deepEqual(
      world.pass(),
      told.map((one) => one.replace('reminder warning', 'resolved')),
      by,
    );
  }
});

it('a mail that waits says it alone, and hours hold it back', (world) => {
  world.configure(fleetWith('<mail to="ops@example.org" hours="10:00-08:30"/>'));
  world.fires(disk);
  world.pass('08:00');
  world.at('08:10').acknowledge(disk, '09:00');
  assert.deepEqual(world.pass('09:00'), []);
  assert.deepEqual(world.held(), [`${disk}: hours until 10:00 for ops`]);
  world.server('down');
  assert.deepEqual(world.pass('10:00'), [`ops: reminder critical ${disk}`]);
  assert.deepEqual(world.pass('10:30'), []);
  world.server('up');
  assert.deepEqual(world.pass('10:45'), []);
});

onEachDatabase('acknowledgements that run out', (kit) => {
  const story = `
    are told to those who were told, and the boss hears of it in their place
      07:45
      08:00 web-1 disk / 96
      08:20 ack web-1 until 09:20
      08:30-10:15 web-1 disk / 97
      10:30-10:45
      > 08:01 ops: firing critical web-1 disk /
      > 09:31 boss: firing critical web-1 disk /
      > 09:31 ops: reminder critical web-1 disk /
      > 10:46 boss: resolved web-1 disk /
      > 10:46 ops: resolved web-1 disk /`;
  passStories(story, { elements: fleetWith(`${ops}${boss}`), create: () => kit.migrated() });

  test('and no mail says both that nobody acknowledged and that somebody did', async (t) => {
    const station = await stationFor(t, { storage: await kit.migrated(), elements: fleetWith(`${ops}${boss}`) });
    const passAt = async (time: string): Promise<readonly string[]> => {
      station.at(time);
      await station.collect({ 'web-1': 'disk / 97' });
      const { events } = await station.pass();
      return events.flatMap((event) => (event.kind === 'composed' ? `${event.subject}\n${event.text}` : []));
    };
    await passAt('08:00');
    await acknowledge(station, 'web-1', '09:20');
    const mails = await passAt('09:30');
    assert.equal(mails.length, 2);
    for (const mail of mails) {
      assert.match(mail, /^CRITICAL web-1: disk \/ 97 %, the acknowledgement by kim ran out\n/);
      assert.match(mail, / was acknowledged by kim until Fri 20 Nov 09:20\n/);
      assert.doesNotMatch(mail, /not acknowledged for|\(1 acknowledged by/);
    }
  });
});
