import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { sqliteConfig } from '../storage/support/sqlite-config.ts';
import { pluck } from '../support/pluck.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { configOf } from './support/config-of.ts';
import { dispatchTests, startDispatch } from './support/dispatch-world.ts';
import { withStation } from './support/station.ts';

const boss = '<mail to="boss@example.org" after="15m"/>';
const fleetWith = (recipients: string, rules = '<alert type="disk" warning="85%" critical="95%"/>'): string => `
  <alerts repeat="10m" groupInterval="1s">${recipients}${rules}</alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/><client name="web-2" ip="192.0.2.2" username="u"/>`;

const it = dispatchTests(() => startDispatch(fleetWith(boss)));

it('a critical alert that nobody acknowledges is notified after its time, once, and so is its end', (world) => {
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('08:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: after until 08:15 for boss']);
  assert.deepEqual(world.pass('08:14'), []);
  assert.deepEqual(world.pass('08:15'), ['boss: firing critical web-1 disk /']);
  assert.deepEqual(world.pass('09:00'), [], 'no reminder');
  world.at('09:30').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), ['boss: resolved web-1 disk /']);
});

it('whoever was not notified of a beginning is not notified of the end', (world) => {
  world.fires('web-1 disk /');
  world.pass('08:00');
  world.at('08:14').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.pass('08:20'), []);
  assert.equal(world.alerts()[0]?.closedOut, true);
});

it('an acknowledgement stops it, until it ends', (world) => {
  world.fires('web-1 disk /');
  world.pass('08:00');
  world.at('08:10').acknowledge('web-1 disk /', '10:00');
  assert.deepEqual(world.pass('09:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: acknowledged until 10:00']);
  assert.deepEqual(world.pass('10:00'), ['boss: firing critical web-1 disk /']);
});

const grouped = `<alerts groupInterval="1s">${boss}</alerts>
  <group name="web" need="1"><client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/></group>`;

test('an acknowledgement of a group that lacks members stops it for their alerts too', () => {
  const world = startDispatch(grouped);
  for (const name of ['- group-short web', 'web-1 unreachable', 'web-2 unreachable']) world.fires(name);
  assert.deepEqual(world.pass('08:00'), []);
  world.at('08:10').acknowledge('- group-short web');
  assert.deepEqual(world.pass('09:00'), []);
  assert.equal(world.held().at(-1), 'web-2 unreachable: acknowledged');
});

test('an alert that was a warning while enough served counts from the time at which its group lacks members', () => {
  const world = startDispatch(grouped);
  world.fires('web-1 unreachable');
  assert.deepEqual(world.pass('08:00'), []);
  world.at('08:10');
  for (const name of ['- group-short web', 'web-2 unreachable']) world.fires(name);
  for (const time of ['08:10', '08:24']) assert.deepEqual(world.pass(time), []);
  assert.match(world.pass('08:25').join(), /^boss: firing critical - group-short web, /);
});

it('an alert of a clock that is further ahead is notified at once', (world) => {
  world.at('08:10').fires('web-1 disk /');
  world.at('08:16').fires('web-2 disk /');
  assert.deepEqual(world.pass('08:00'), ['boss: firing critical web-2 disk /']);
});

it('an acknowledgement stops a mail that waits, and another alert of that mail is notified all the same', (world) => {
  world.server('down');
  world.fires('web-1 disk /');
  world.fires('web-2 disk /');
  assert.equal(world.pass('08:15').length, 1);
  world.at('08:16').acknowledge('web-1 disk /');
  assert.deepEqual(world.pass(), ['boss: firing critical web-2 disk / (instead of 1)']);
  world.at('08:17').acknowledge('web-2 disk /');
  assert.deepEqual(world.pass(), []);
  world.server('up');
  assert.deepEqual(pluck(world.mails, 'state'), ['replaced', 'replaced']);
  assert.deepEqual(world.notified(), []);
  world.at('09:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), []);
});

it('a mail that waits is stopped too if its alert has ended', (world) => {
  world.server('down');
  world.fires('web-1 disk /');
  world.pass('08:15');
  world.at('08:20').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(pluck(world.mails, 'state'), ['replaced']);
});

it('warnings are not notified, and the time begins when an alert becomes critical', (world) => {
  world.fires('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass('09:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: nobody']);
  const [{ progress } = { progress: null }] = world.alerts();
  assert.ok(progress !== null);
  world.changes('web-1 disk /', { severity: 'critical', progress: { ...progress, severitySinceMs: world.now() } });
  assert.deepEqual(world.pass('09:14'), []);
  assert.deepEqual(world.pass('09:15'), ['boss: firing critical web-1 disk /']);
});

it('the time begins again after a silence', (world) => {
  world.silence('web-1', '*', '08:00', '09:00');
  world.fires('web-1 disk /');
  world.at('09:05').row('web-1');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: after until 09:15 for boss']);
  assert.deepEqual(world.pass('09:15'), ['boss: firing critical web-1 disk /']);
});

test('each rung of a ladder has its own time, and whoever is named without `after` too is notified at once', () => {
  const world = startDispatch(
    fleetWith(`${boss}<mail to="chief@example.org" after="1h" hours="09:00-10:00"/>
      <mail to="ops@example.org"/><mail to="ops@example.org" after="15m"/>`),
  );
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 disk /']);
  assert.deepEqual(world.pass('08:15'), ['boss: firing critical web-1 disk /', 'ops: reminder critical web-1 disk /']);
  world.acknowledge('web-1 disk /', '08:40');
  assert.deepEqual(world.pass('08:30'), []);
  assert.deepEqual(
    world.pass('09:00').filter((mail) => mail.startsWith('chief')),
    ['chief: firing critical web-1 disk /'],
  );
});

test('whoever is named with hours and with `after` is notified after that time outside of the hours', () => {
  const world = startDispatch(
    fleetWith('<mail to="ops@example.org" hours="08:00-17:00"/><mail to="ops@example.org" after="15m"/>'),
  );
  world.at('16:00').fires('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /'], 'at once within the hours');
  world.at('20:00').fires('web-2 disk /');
  world.fires('web-2 disk /srv', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  assert.ok(world.held().includes('web-2 disk /: after until 20:15 for ops'));
  assert.deepEqual(world.pass('20:15'), ['ops: firing critical web-2 disk /']);
  assert.deepEqual(world.pass('22:00'), [], 'no reminder');
  world.at('22:10').recovers('web-1 disk /');
  world.recovers('web-2 disk /');
  assert.deepEqual(world.pass(), ['ops: resolved web-2 disk /'], 'the end goes the way of the beginning');
  world.at('+1 02:00').fires('web-2 disk /data');
  world.at('+1 02:10').recovers('web-2 disk /data');
  assert.deepEqual(world.pass(), []);
  const morning = world.pass('+1 08:00').join();
  for (const told of ['firing warning web-2 disk /srv', 'resolved web-1 disk /', 'past web-2 disk /data'])
    assert.ok(morning.includes(told), morning);
});

test('an alert stands for no other before its recipient is notified of it', () => {
  const rules = '<alert name="low" type="disk" limit="90%"/><alert name="high" type="disk" limit="95%"/>';
  const world = startDispatch(fleetWith(boss, rules));
  world.fires('web-1 low /');
  world.fires('web-2 low /');
  world.pass('08:00');
  world.at('08:10').fires('web-1 high /');
  world.fires('web-2 unreachable');
  assert.deepEqual(world.pass('08:15'), ['boss: firing critical web-1 low /, firing critical web-2 low /']);
  assert.deepEqual(world.pass('08:25'), ['boss: firing critical web-1 high /, firing critical web-2 unreachable']);
});

test('`after` is at least a minute and about critical alerts; programs take it as well', () => {
  const fault = (attributes: string): RegExp => new RegExp(`after="${attributes}`);
  for (const [written, message] of [
    ['after="30s"', fault('30s" is not between 1m and 1d')],
    ['after="15m" severity="warning"', fault('15m" is about critical alerts alone; remove severity')],
  ] as const) {
    assert.throws(() => configOf(fleetWith(`<mail to="boss@example.org" ${written}/>`)), message);
    assert.throws(() => configOf(`${fleetWith(boss)}<notify command="/bin/true" ${written}/>`), message);
  }
  const world = startDispatch(`${fleetWith('')}<notify command="/bin/page" after="1h"/>`);
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('08:59'), []);
  assert.deepEqual(world.pass('09:00'), ['|/bin/page: firing critical web-1 disk /']);
});

test('the mail says for how long nobody acknowledged it, from the row that made it critical', async () => {
  const storage = sqliteConfig(path.join(tempFolder(), 'fleet.db'));
  await withStation({ storage, elements: fleetWith(boss) }, async (station) => {
    const subjects: string[] = [];
    let text = '';
    for (const [time, value] of [
      ['08:00', 88],
      ['08:15', 96],
      ['08:29', 97],
      ['08:30', 97],
      ['08:31', 97],
      ['08:45', 97],
    ] as const) {
      station.at(time);
      await station.collect({ 'web-1': `disk / ${value}` });
      for (const event of (await station.pass()).events) {
        if (event.kind !== 'composed') continue;
        subjects.push(`${time} ${event.subject}`);
        text += event.text;
      }
    }
    assert.deepEqual(subjects, ['08:31 CRITICAL web-1: disk / 97 %, not acknowledged for 15 min']);
    assert.match(text, /since .* 08:00 .*\n +not acknowledged for 15 min\n/);
  });
});
