import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isWide } from '../../support/long-tests.ts';
import { dispatchTests, mailed, startDispatch } from '../support/dispatch-world.ts';

const fleet = `
  <alerts repeat="12h">
    <mail to="ops@example.org"/>
    <mail to="oncall@example.org" severity="critical"/>
    <alert type="disk" warning="85%" critical="95%"/>
    <alert type="cpu" limit="95%" severity="warning"/>
  </alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>
  <client name="web-2" ip="192.0.2.2" username="u"/>`;

/** Returns the sentences of two mails, which notify both recipients of the same. */
function both(words: string): readonly string[] {
  return [`oncall: ${words}`, `ops: ${words}`];
}

const it = dispatchTests(() => startDispatch(fleet));

it('a full disk is one mail, then none, then a reminder, and its end is one mail', (world) => {
  world.at('08:00').runBegins('run 1');
  world.fires('web-1 disk /', { run: 'run 1' });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: run']);
  world.runEnds('run 1');
  assert.deepEqual(world.pass('08:01'), both('firing critical web-1 disk /'));
  for (let minute = 8 * 60 + 2; minute < 20 * 60 - 2; minute += 5) {
    const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    assert.deepEqual(world.pass(time), [], time);
  }
  assert.deepEqual(world.pass('20:00'), both('reminder critical web-1 disk /'));
  world.at('20:05').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), [], 'a recovery is no hurry, fifteen minutes after the reminder are up at 20:15');
  assert.deepEqual(world.pass('20:15'), both('resolved web-1 disk /'));
  assert.deepEqual(world.pass('20:20'), []);
  assert.equal(world.alerts()[0]?.closedOut, true);
});

it('an escalation notifies oncall too, and its easing and end those who were notified', (world) => {
  world.fires('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: firing warning web-1 disk /']);
  world.at('08:05').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['oncall: firing critical web-1 disk /', 'ops: escalated critical web-1 disk /']);
  world.at('08:20').changes('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass(), both('eased warning web-1 disk /'));
  assert.deepEqual(world.pass('20:30'), ['ops: reminder warning web-1 disk /'], 'warnings remind nobody on call');
  world.at('20:50').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), both('resolved web-1 disk /'));
});

it('a recovery goes to those who were notified, and to no other', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.configure(fleet.replace('<mail to="ops', '<mail to="new@example.org"/><mail to="ops'));
  world.at('08:20').recovers('web-1 disk /');
  const notified = world.pass();
  assert.ok(notified.includes('ops: resolved web-1 disk /'));
  assert.ok(!notified.some((sentence) => sentence.startsWith('oncall') || sentence.startsWith('new: resolved')));
});

it('a recipient that left config.xml is notified of the end of what it knows, and nothing else', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.configure(fleet.replace('ops@', 'others@'));
  assert.deepEqual(world.pass('08:20'), ['others: firing warning web-1 disk /']);
  world.changes('web-1 disk /', { severity: 'critical' });
  const worse = world.pass('08:40');
  assert.deepEqual(worse, ['oncall: firing critical web-1 disk /', 'others: escalated critical web-1 disk /']);
  const later = world.pass('20:45');
  assert.deepEqual(later, ['oncall: reminder critical web-1 disk /', 'others: reminder critical web-1 disk /']);
  world.at('21:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), [
    'oncall: resolved web-1 disk /',
    'others: resolved web-1 disk /',
    'ops: resolved web-1 disk /',
  ]);
});

it('what began and ended unnotified is notified once as past, with both times', (world) => {
  world.passed('web-1 disk /', '03:00', '04:10');
  assert.deepEqual(world.pass('08:00'), both('past web-1 disk / 03:00 to 04:10'));
  assert.deepEqual(world.pass('08:05'), []);
});

test('what is no longer there or no longer watched is notified as ended, never as recovery', () => {
  for (const reason of ['gone', 'unwatched', 'superseded'] as const) {
    const world = mailed(startDispatch(fleet), 'web-1 cpu');
    world.at('08:20').closes('web-1 cpu', reason);
    assert.deepEqual(world.pass(), both('ended web-1 cpu'));
  }
});

it('what nobody was notified of and nobody watches any more is no news', (world) => {
  world.passed('web-1 cpu', '07:00', '07:30', { closedReason: 'unwatched' });
  world.passed('web-9 cpu', '07:00', '07:30');
  world.passed('web-1 cpu', '07:00', '07:30', { closedReason: 'unconfirmed', firingSinceMs: null });
  assert.deepEqual(world.pass('08:00'), []);
  assert.ok(world.alerts().every(({ closedOut }) => closedOut));
});

it('a reboot is notified once, and has no recovery', (world) => {
  world.passed('web-1 rebooted', '07:58', '07:58', { closedReason: 'event', severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: past web-1 rebooted 07:58 to 07:58']);
  assert.deepEqual(world.pass('12:00'), []);
});

it('flapping is one notice; after it the true state is notified', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.at('08:20').changes('web-1 disk /', { flapping: true });
  assert.deepEqual(world.pass(), ['ops: flapping warning web-1 disk /']);
  world.changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(
    world.pass('08:40'),
    ['oncall: firing critical web-1 disk /', 'ops: escalated critical web-1 disk /'],
    'it is worse than what was notified',
  );
  world.changes('web-1 disk /', { severity: 'warning' });
  assert.deepEqual(world.pass('09:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: flapping for oncall', 'web-1 disk /: flapping for ops']);
  world.changes('web-1 disk /', { flapping: false });
  assert.deepEqual(world.pass('09:20'), both('eased warning web-1 disk /'));
});

it('what gets worse while it flaps is notified once, not again when it stays', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.at('08:20').changes('web-1 disk /', { flapping: true });
  world.pass();
  world.at('08:40').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['oncall: firing critical web-1 disk /', 'ops: escalated critical web-1 disk /']);
  world.at('08:50').changes('web-1 disk /', { flapping: false });
  assert.deepEqual(world.pass(), []);
  world.at('09:00').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), both('resolved web-1 disk /'));
});

it('what flapped at the severity that was notified, and stays, is notified as such', (world) => {
  mailed(world, 'web-1 disk /');
  world.at('08:20').changes('web-1 disk /', { flapping: true });
  assert.deepEqual(world.pass(), both('flapping critical web-1 disk /'));
  world.at('08:50').changes('web-1 disk /', { flapping: false });
  assert.deepEqual(world.pass(), both('steady critical web-1 disk /'));
});

test('who knows nothing of what flaps learns that it fires while it does, and that it flaps while it is well', () => {
  for (const isWell of [false, true]) {
    const world = startDispatch(fleet);
    world.fires('web-1 disk /');
    world.changes('web-1 disk /', { flapping: true });
    if (isWell) world.easesUp('web-1 disk /');
    const transition = isWell ? 'flapping' : 'firing';
    assert.deepEqual(world.pass('08:00'), both(`${transition} critical web-1 disk /`));
    world.row('web-1');
    assert.deepEqual(world.pass('08:20'), [], 'and nothing more while it goes on');
  }
});

it('a first notification waits while the newest row is on its way back, and tells an end as past', (world) => {
  world.fires('web-1 disk /');
  world.at('08:05').easesUp('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: returning']);
  world.at('08:10').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), both('past web-1 disk / 08:00 to 08:10'));
});

test('what holds again after a row on its way back is notified, and so is what no further row comes of', () => {
  for (const comes of [true, false]) {
    const world = startDispatch(fleet);
    world.fires('web-1 disk /');
    world.at('08:05').easesUp('web-1 disk /');
    assert.deepEqual(world.pass(), []);
    world.at(comes ? '08:10' : '08:18');
    if (comes) world.row('web-1');
    assert.equal(world.pass().length, 2);
  }
});

it('a worsening, an easing and a reminder wait like a first notification while the value is back', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.at('08:20').changes('web-1 disk /', { severity: 'critical' });
  world.easesUp('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  world.changes('web-1 disk /', { severity: 'warning' });
  world.at('20:20').easesUp('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: returning']);
  world.at('20:25').row('web-1');
  assert.deepEqual(world.pass(), ['ops: reminder warning web-1 disk /']);
  world.at('20:45').changes('web-1 disk /', { severity: 'critical' });
  world.row('web-1');
  assert.deepEqual(world.pass(), ['oncall: firing critical web-1 disk /', 'ops: escalated critical web-1 disk /']);
  world.at('21:05').changes('web-1 disk /', { severity: 'warning' });
  world.easesUp('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  world.at('21:10').recovers('web-1 disk /');
  assert.equal(world.pass().length, 2);
});

it('there is no reminder of what flaps while it is well', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.at('08:20').changes('web-1 disk /', { flapping: true });
  assert.deepEqual(world.pass(), ['ops: flapping warning web-1 disk /']);
  world.at('20:30').easesUp('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  world.at('20:35').row('web-1');
  assert.deepEqual(world.pass(), ['ops: reminder warning web-1 disk /']);
});

test('reminders of what flaps come at most every 12 hours, whatever `repeat` is', () => {
  const world = mailed(startDispatch(fleet.replace('repeat="12h"', 'repeat="30m"')), 'web-1 disk /');
  world.at('08:20').changes('web-1 disk /', { flapping: true });
  assert.deepEqual(world.pass(), both('flapping critical web-1 disk /'));
  const passAt = (time: string): readonly string[] => {
    world.at(time).row('web-1');
    return world.pass();
  };
  for (const time of ['09:00', '14:00', '20:10']) assert.deepEqual(passAt(time), []);
  assert.deepEqual(passAt('20:20'), both('reminder critical web-1 disk /'));
});

it('an acknowledgement stops the notice that a value flaps', (world) => {
  mailed(world, 'web-1 disk /');
  world.at('08:20').acknowledge('web-1 disk /', '09:00');
  world.changes('web-1 disk /', { flapping: true });
  assert.deepEqual(world.pass(), []);
  world.at('09:00').row('web-1');
  assert.deepEqual(world.pass(), both('flapping critical web-1 disk /'));
});

it('what flapped during a silence, and was over before its end, is not notified as flapping', (world) => {
  world.silence('web-1', '*', '08:00', '12:00');
  world.fires('web-1 disk /');
  const [{ progress } = { progress: null }] = world.alerts();
  assert.ok(progress !== null);
  const rowAt = (time: string, clearing: number): void => {
    world.at(time).row('web-1');
    world.changes('web-1 disk /', { flapping: true, progress: { ...progress, clearing, lastAtMs: world.now() } });
  };
  rowAt('12:05', 2);
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: returning']);
  rowAt('12:10', 0);
  assert.deepEqual(world.pass(), both('firing critical web-1 disk /'));
});

test('a critical reboot is notified at once, a milder one with the next warnings', () => {
  for (const severity of ['critical', 'warning'] as const) {
    const world = mailed(startDispatch(fleet), 'web-1 cpu', { severity: 'warning' });
    world.passed('web-2 rebooted', '08:04', '08:04', { closedReason: 'event', severity });
    const notified = world.pass('08:05');
    assert.deepEqual(notified, severity === 'warning' ? [] : both('past web-2 rebooted 08:04 to 08:04'));
    assert.ok(world.mails.slice(1).every(({ mail }) => mail.severity === 'critical' && !mail.ordinary));
  }
});

it('groupInterval allows for cron: a pass that begins a little early need not wait for the next', (world) => {
  mailed(world, 'web-1 cpu', { severity: 'warning' });
  world.fires('web-2 cpu', { severity: 'warning' });
  world.at(world.now() + 12.4 * 60_000);
  assert.deepEqual(world.pass(), []);
  world.at(world.now() + 6_000 + 1);
  assert.deepEqual(world.pass(), ['ops: firing warning web-2 cpu']);
});

it('flapping that ends well is a recovery', (world) => {
  mailed(world, 'web-1 cpu', { severity: 'warning', at: '07:40' });
  world.changes('web-1 cpu', { flapping: true });
  assert.deepEqual(world.pass('08:00'), ['ops: flapping warning web-1 cpu']);
  world.at('09:00').recovers('web-1 cpu');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 cpu']);
});

it('a new critical goes at once and takes everything along; warnings alone wait for the interval', (world) => {
  world.fires('web-1 cpu', { severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: firing warning web-1 cpu'], 'the first has nothing to wait for');
  world.at('08:05').fires('web-2 cpu', { severity: 'warning' });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-2 cpu: group-interval until 08:15 for ops']);
  world.at('08:10').fires('web-1 disk /');
  assert.deepEqual(world.pass(), [
    'oncall: firing critical web-1 disk /',
    'ops: firing critical web-1 disk /, firing warning web-2 cpu',
  ]);
  world.at('08:12').recovers('web-1 cpu');
  assert.deepEqual(world.pass(), [], 'the interval counts from the last mail that held nothing else');
  assert.deepEqual(world.pass('08:15'), ['ops: resolved web-1 cpu']);
});

test('the interval is each recipient’s own', () => {
  const world = startDispatch(
    fleet.replace(
      '<client name="web-2"',
      '<client name="db-1" ip="192.0.2.9" mail="dba@example.org"/><client name="web-2"',
    ),
  );
  world.fires('web-1 cpu', { severity: 'warning' });
  assert.deepEqual(world.pass('08:00'), ['ops: firing warning web-1 cpu']);
  world.fires('web-2 cpu', { severity: 'warning' });
  world.fires('db-1 cpu', { severity: 'warning' });
  assert.deepEqual(world.pass('08:05'), ['dba: firing warning db-1 cpu']);
});

it('what concerns the fleet goes at once, though it is a warning', (world) => {
  mailed(world, 'web-1 cpu', { severity: 'warning' });
  world.fires('- collector-isolated c1', { severity: 'warning' });
  assert.deepEqual(world.pass('08:01'), ['ops: firing warning - collector-isolated c1']);
  world.at('08:02').recovers('- collector-isolated c1');
  assert.deepEqual(world.pass(), [], 'its end is no hurry');
  assert.deepEqual(world.pass('08:15'), ['ops: resolved - collector-isolated c1']);
});

test('a rack that dies is one mail, and its return one', () => {
  const names = Array.from({ length: 40 }, (_, index) => `rack-${String(index + 1).padStart(2, '0')}`);
  const world = startDispatch(
    fleet + '<group name="rack"><client name="rack-[01-40]" ip="198.51.100.[1-40]" username="u"/></group>',
  );
  world.runBegins('run 2');
  for (const name of names.slice(0, 25)) world.fires(`${name} unreachable`, { run: 'run 2' });
  assert.deepEqual(world.pass('08:05'), []);
  for (const name of names.slice(25)) world.fires(`${name} unreachable`, { run: 'run 2' });
  world.runEnds('run 2');
  assert.equal(world.pass('08:06').length, 2, 'one for ops and one for oncall');
  assert.equal(world.mails[0]?.mail.sections[0]?.rules[0]?.lines.length, 1);
  for (let pass = 0; pass < 20; pass++) assert.deepEqual(world.pass('08:10'), []);
  world.runBegins('run 9');
  for (const name of names.slice(0, 20)) world.recovers(`${name} unreachable`, 'run 9');
  assert.deepEqual(world.pass('09:00'), []);
  for (const name of names.slice(20)) world.recovers(`${name} unreachable`, 'run 9');
  world.runEnds('run 9');
  assert.equal(world.pass('09:01').length, 2);
  assert.equal(world.mails.length, 4);
});

it('repeats are one reminder of everything that is open', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.fires('web-1 cpu', { severity: 'warning' });
  world.pass('09:00');
  world.fires('web-2 cpu', { severity: 'warning' });
  world.pass('10:00');
  const reminder = ['ops: reminder warning web-1 cpu, reminder warning web-1 disk /, reminder warning web-2 cpu'];
  assert.deepEqual(world.pass('19:50'), []);
  assert.deepEqual(world.pass('20:00'), reminder);
  assert.deepEqual(world.pass('21:00'), []);
  assert.deepEqual(world.pass('22:00'), []);
  assert.deepEqual(world.pass('+1 08:00'), reminder);
});

test('a rule without repeat is not repeated, and `repeat` of a rule is its own', () => {
  const world = startDispatch(
    fleet
      .replace('severity="warning"/>\n  </alerts>', 'severity="warning" repeat="none"/></alerts>')
      .replace('95%"/>', '95%" repeat="2h"/>'),
  );
  world.fires('web-1 cpu', { severity: 'warning' });
  world.fires('web-1 disk /', { severity: 'warning' });
  world.pass('08:00');
  assert.deepEqual(world.pass('09:50'), []);
  assert.deepEqual(world.pass('10:00'), ['ops: reminder warning web-1 disk /']);
  assert.deepEqual(world.pass('12:00'), ['ops: reminder warning web-1 disk /']);
});

it('a pass that starts some seconds early still reminds', (world) => {
  mailed(world, 'web-1 cpu', { severity: 'warning' });
  world.at(world.now() + 12 * 3_600_000 - 20_000);
  assert.deepEqual(world.pass(), ['ops: reminder warning web-1 cpu']);
});

it('an acknowledgement holds back repeats only, until its time', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.acknowledge('web-1 disk /', '21:00');
  assert.deepEqual(world.pass('20:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: acknowledged until 21:00']);
  assert.deepEqual(world.pass('21:00'), ['ops: reminder warning web-1 disk /']);
});

it('an acknowledgement ends when it gets worse, and a recovery is notified in spite of it', (world) => {
  mailed(world, 'web-1 disk /', { severity: 'warning' });
  world.acknowledge('web-1 disk /');
  world.at('08:30').changes('web-1 disk /', { severity: 'critical' });
  assert.deepEqual(world.pass(), ['oncall: firing critical web-1 disk /', 'ops: escalated critical web-1 disk /']);
  assert.equal(world.pass('20:30').length, 2, 'it repeats again');
  world.acknowledge('web-1 disk /');
  world.at('21:00').recovers('web-1 disk /');
  assert.equal(world.pass().length, 2);
});

test('the cap holds back all but a new critical', () => {
  const world = startDispatch(
    `<smtp host="localhost" maxMailsPerHour="3"/>${fleet.replace('repeat="12h"', 'repeat="12h" groupInterval="1m"')}`,
  );
  for (const time of ['08:00', '08:05', '08:10', '08:15', '08:20']) {
    world.at(time).fires(`web-1 cpu ${time}`, { severity: 'warning' });
    world.pass();
  }
  assert.equal(world.mails.length, 3);
  assert.deepEqual(world.held(), [
    'web-1 cpu 08:15: cap until 09:00 for ops',
    'web-1 cpu 08:20: cap until 09:00 for ops',
  ]);
  world.fires('web-2 disk /');
  assert.deepEqual(world.pass('08:30'), [
    'oncall: firing critical web-2 disk /',
    'ops: firing critical web-2 disk /, firing warning web-1 cpu 08:15, firing warning web-1 cpu 08:20',
  ]);
  world.at('08:31').recovers('web-2 disk /');
  assert.deepEqual(world.pass(), ['oncall: resolved web-2 disk /']);
  assert.deepEqual(world.pass('08:59'), []);
  assert.deepEqual(world.pass('09:05'), ['ops: resolved web-2 disk /']);
});

test('what fires for nobody says so, and is settled when it is over', () => {
  const world = startDispatch('<client name="web-1" ip="192.0.2.1" username="u"/>');
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('08:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: nobody']);
  world.recovers('web-1 disk /');
  world.pass('08:05');
  assert.equal(world.alerts()[0]?.closedOut, true);
});

it('the first pass over a fleet is one mail a recipient that says it was so already', (world) => {
  world.add({ firstPass: true });
  world.fires('web-1 cpu', { severity: 'warning' });
  world.fires('web-2 disk /');
  assert.equal(world.pass('08:00').length, 2);
  assert.ok(world.mails.every(({ mail }) => mail.alreadyTrue));
  world.add({ firstPass: false, newRules: new Set(['service']) });
  world.fires('web-2 service a.service', { severity: 'warning' });
  world.pass('08:20');
  world.fires('web-2 cpu', { severity: 'warning' });
  world.pass('08:40');
  const isAlreadyTrue = world.mails.slice(2).map(({ mail }) => mail.alreadyTrue);
  assert.deepEqual(isAlreadyTrue, [true, false]);
});

test('a day’s backlog of many clients is one mail a recipient', () => {
  const world = startDispatch(`${fleet}<client name="n-[0001-1000]" ip="n-[0001-1000].example.org" username="u"/>`);
  for (let index = 1; index <= (isWide ? 1000 : 200); index++) {
    const name = `n-${String(index).padStart(4, '0')}`;
    world.passed(`${name} disk /`, '01:00', '02:00');
    world.passed(`${name} disk /`, '03:00', '04:00', { severity: 'warning' });
    world.passed(`${name} cpu`, '03:00', '04:00', { severity: 'warning' });
    if (index % 3 === 0) world.fires(`${name} disk /`);
  }
  assert.equal(world.pass('+1 08:00').length, 2);
  assert.deepEqual(world.pass('+1 08:05'), []);
  assert.deepEqual(world.pass('+1 08:25'), []);
});
