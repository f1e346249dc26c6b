import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dispatchTests, mailed, progressAt, startDispatch, type DispatchWorld } from '../support/dispatch-world.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `
  <alerts repeat="12h"><mail to="ops@example.org"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>
  <client name="web-2" ip="192.0.2.2" username="u"/>`;

function windowed(attributes: string): string {
  return fleet.replace('</alerts>', `<window ${attributes}/></alerts>`);
}

/** Starts a world that sends every mail at once, so that only the tested inhibition delays a mail. */
function start(elements: string = fleet): DispatchWorld {
  return startDispatch(elements.replace('<alerts ', '<alerts groupInterval="1s" '));
}

const it = dispatchTests(() => start());

it('a silence holds back what its patterns match, until a row after its end confirms the alert', (world) => {
  world.silence('web-*', 'disk', '07:00', '09:00');
  world.fires('web-1 disk /');
  world.fires('web-1 memory');
  assert.deepEqual(world.pass('08:00'), ['ops: firing critical web-1 memory']);
  assert.deepEqual(world.held(), ['web-1 disk /: silence until 09:00']);
  assert.deepEqual(world.pass('09:00'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: unconfirmed']);
  world.at('09:05').row('web-1');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
});

test('a row on its way back confirms nothing; the next one decides', () => {
  for (const isOver of [true, false]) {
    const world = start();
    world.silence('*', '*', '07:00', '09:00');
    world.fires('web-1 disk /');
    world.pass('08:00');
    world.at('09:05').easesUp('web-1 disk /');
    assert.deepEqual(world.pass(), []);
    assert.deepEqual(world.held(), ['web-1 disk /: unconfirmed']);
    world.at('09:10');
    if (isOver) world.recovers('web-1 disk /');
    else world.row('web-1');
    assert.deepEqual(world.pass(), isOver ? [] : ['ops: firing critical web-1 disk /']);
  }
});

it('a row on its way back confirms that an alert flaps', (world) => {
  world.silence('*', '*', '07:00', '09:00');
  world.fires('web-1 disk /');
  world.pass('08:00');
  world.at('09:05').changes('web-1 disk /', { ...returningAt(world), flapping: true });
  assert.deepEqual(world.pass(), ['ops: flapping critical web-1 disk /']);
});

it('rows that go on being on their way back confirm after a while', (world) => {
  world.silence('*', '*', '07:00', '09:00');
  world.fires('web-1 disk /');
  world.pass('08:00');
  world.at('09:15').changes('web-1 disk /', { progress: { ...progressAt(world.now()), clearing: 1, returns: 2 } });
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
});

it('a recovery inside a silence is notified when the client’s next row has come after it', (world) => {
  mailed(world, 'web-1 disk /', { at: '07:30' });
  world.silence('web-1', '', '08:00', '09:00');
  world.at('08:30').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  // A visit without a report says nothing of a disk.
  world.at('09:01').add({ newestVisitMs: new Map([['web-1', world.now()]]) });
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: unconfirmed']);
  world.at('09:05').row('web-1');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 disk /']);
});

it('a recovery after a silence is notified at once', (world) => {
  mailed(world, 'web-1 disk /', { at: '07:30' });
  world.silence('web-1', '', '08:00', '09:00');
  world.at('09:01').recovers('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 disk /']);
});

test('a recovery inside a silence waits for no row that a client or rule has none of any more', () => {
  const client = '<client name="web-1" ip="192.0.2.1" username="u"/>';
  for (const [before, after] of [
    [client, client.replace('/>', ' state="retired"/>')],
    [client, ''],
    ['<mail ', '<alert type="disk" enabled="no"/><mail '],
  ] as const) {
    const world = start();
    mailed(world, 'web-1 disk /', { at: '07:30' });
    world.silence('web-1', '', '08:00', '09:00');
    world.at('08:30').recovers('web-1 disk /');
    world.configure(fleet.replace(before, after));
    assert.deepEqual(world.pass(), []);
    assert.deepEqual(world.pass('09:01'), ['ops: resolved web-1 disk /'], after);
  }
});

it('a client that is reached again inside a silence is so when a visit shows it, with or without a report', (world) => {
  mailed(world, 'web-1 unreachable', { at: '07:30' });
  world.silence('web-1', '', '08:00', '09:00');
  world.at('08:30').recovers('web-1 unreachable');
  world.pass();
  assert.deepEqual(world.pass('09:01'), []);
  world.at('09:05').add({ newestVisitMs: new Map([['web-1', world.now()]]) });
  assert.deepEqual(world.pass(), ['ops: resolved web-1 unreachable']);
});

it('a silence that is expired early ends there', (world) => {
  world.silence('web-1', '*', '07:00', '08:10');
  world.at('08:00').fires('web-1 disk /');
  assert.deepEqual(world.pass(), []);
  world.at('08:11').row('web-1');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
});

it('what began and ended inside a silence is only listed, in the next mail that goes out anyway', (world) => {
  world.silence('web-1', '*', '07:00', '09:00');
  world.passed('web-1 disk /', '07:10', '07:40');
  assert.deepEqual(world.pass('08:00'), []);
  world.at('09:05').row('web-1');
  assert.deepEqual(world.pass(), []);
  world.fires('web-2 disk /');
  assert.deepEqual(world.pass('10:00'), [
    'ops: firing critical web-2 disk /, past web-1 disk / 07:10 to 07:40 (only listed)',
  ]);
  assert.deepEqual(pluck(world.mails[0]?.mail.sections ?? [], 'kind'), ['critical', 'listed']);
  assert.deepEqual(world.pass('10:05'), []);
});

it('what nobody could list for twelve hours is left to the history', (world) => {
  world.silence('web-1', '*', '07:00', '09:00');
  world.passed('web-1 disk /', '07:10', '07:40');
  world.at('09:05').row('web-1');
  world.pass('20:59');
  assert.equal(world.alerts()[0]?.closedOut, false);
  assert.deepEqual(world.pass('21:00'), []);
  assert.equal(world.alerts()[0]?.closedOut, true);
});

test('what began before a silence, or ended well after it, rings', () => {
  for (const [from, to] of [
    ['06:50', '07:30'],
    ['08:30', '09:30'],
  ] as const) {
    const world = start();
    world.silence('web-1', '*', '07:00', '09:00');
    world.passed('web-1 disk /', from, to);
    world.at('09:35').row('web-1');
    assert.deepEqual(world.pass(), [`ops: past web-1 disk / ${from} to ${to}`]);
  }
});

test('two silences without a break between them are one', () => {
  for (const [from, isOne] of [
    ['08:00', true],
    ['08:20', false],
  ] as const) {
    const world = start();
    world.silence('web-1', '*', '07:00', '08:10');
    world.silence('web-1', '*', from, '09:00');
    world.passed('web-1 disk /', '07:30', '08:40');
    world.at('09:05').row('web-1');
    assert.equal(world.pass().length, isOne ? 0 : 1, from);
  }
});

test('a window holds back like a silence, in its own zone, for its own rules', () => {
  const world = start(windowed('days="fri" start="09:00" duration="1h" zone="Europe/Berlin" rules="disk*"'));
  world.at('07:59').row('web-1');
  world.at('08:00').fires('web-1 disk /');
  world.fires('web-1 memory');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 memory']);
  assert.deepEqual(world.held(), ['web-1 disk /: window until 09:00']);
  assert.deepEqual(world.pass('09:01'), []);
  assert.deepEqual(world.held(), ['web-1 disk /: unconfirmed']);
  world.at('09:03').row('web-1');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /']);
});

it('a silence over all holds back what concerns the fleet, and its end needs no row', (world) => {
  world.silence('*', '*', '07:00', '09:00');
  world.fires('- collector-silent c1');
  assert.deepEqual(world.pass('08:00'), []);
  assert.deepEqual(world.pass('09:00'), ['ops: firing critical - collector-silent c1']);
});

it('the end of a silence needs no row of a client that sends none, nor of what is no longer watched', (world) => {
  mailed(world, 'web-1 disk /', { at: '06:00' });
  world.silence('web-1', '*', '07:00', '09:00');
  world.at('08:00').fires('web-1 no-report');
  world.closes('web-1 disk /', 'unwatched');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.pass('09:00'), ['ops: firing critical web-1 no-report, ended web-1 disk /']);
});

it('a client that never answers again is notified of a day after its silence at the latest', (world) => {
  world.silence('web-1', '*', '07:00', '09:00');
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass('+1 08:59'), []);
  assert.deepEqual(world.pass('+1 09:00'), ['ops: firing critical web-1 disk /']);
});

test('of a paused client nothing is mailed; what passed stays history, what was mailed goes on after it', () => {
  const paused = fleet.replace('name="web-1"', 'name="web-1" state="paused" until="2099-12-31 10:00"');
  const world = mailed(start(), 'web-1 memory', { at: '07:00' });
  world.configure(paused);
  world.at('08:00').fires('web-1 disk /');
  world.recovers('web-1 memory');
  world.passed('web-1 inodes /', '07:10', '07:30');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), [
    'web-1 disk /: paused until +26704 10:00',
    'web-1 memory: paused until +26704 10:00',
  ]);
  world.configure(fleet);
  assert.deepEqual(world.pass('09:00'), ['ops: firing critical web-1 disk /, resolved web-1 memory']);
});

it('while a client is unreachable nothing else of it is notified, until its first new row is evaluated', (world) => {
  mailed(world, 'web-1 memory', { at: '07:00' });
  world.at('08:00').fires('web-1 unreachable');
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 unreachable']);
  world.at('08:10').recovers('web-1 memory');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 disk /: unreachable for ops', 'web-1 memory: unreachable for ops']);
  world.at('08:20').recovers('web-1 unreachable');
  assert.deepEqual(world.pass(), ['ops: resolved web-1 unreachable']);
  assert.equal(world.held().length, 2);
  assert.deepEqual(world.pass('08:21'), []);
  world.at('08:22').row('web-1');
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 disk /, resolved web-1 memory']);
});

/** The first good visit of a client that is unreachable, which a second one has to confirm. */
const firstVisits: readonly (readonly [what: string, visit: (world: DispatchWorld) => void, isTold: boolean])[] = [
  ['with a report', (world) => world.easesUp('web-1 unreachable'), true],
  ['without a report', (world) => world.changes('web-1 unreachable', returningAt(world)), false],
  [
    ...(['without a report, if it flaps'] as const),
    (world) => world.changes('web-1 unreachable', { ...returningAt(world), flapping: true }),
    true,
  ],
];
const returningAt = (world: DispatchWorld) => ({ progress: { ...progressAt(world.now()), clearing: 1 } });
for (const [what, visit, isTold] of firstVisits) {
  test(`other alerts of a client are notified from its first good visit on, ${what}: ${isTold ? 'yes' : 'no'}`, () => {
    const world = mailed(start(), 'web-1 unreachable', { at: '07:50' });
    world.at('08:00').fires('web-1 disk /');
    assert.deepEqual(world.pass(), []);
    world.at('08:01');
    visit(world);
    assert.equal(world.pass().join().includes('firing critical web-1 disk /'), isTold);
  });
}

it('a client that can be reached again and reports nothing is notified of without a row', (world) => {
  world.silence('*', '*', '07:00', '08:15');
  world.fires('web-1 unreachable');
  world.pass('08:05');
  world.at('08:10').recovers('web-1 unreachable');
  world.pass('08:20');
  world.at('08:25').fires('web-1 no-report');
  world.add({ newestRowMs: new Map() });
  assert.match(world.pass()[0] ?? '', /^ops: firing critical web-1 no-report/);
});

it('a changed host key is notified although the client counts as unreachable', (world) => {
  world.fires('web-1 unreachable');
  world.fires('web-1 host-key-changed');
  assert.equal(
    world.pass('08:00')[0],
    'ops: firing critical web-1 host-key-changed, firing critical web-1 unreachable',
  );
});

it('an isolated collector is one alert and none for its clients; who stays away is notified of afterwards', (world) => {
  world.at('08:04').fires('- collector-isolated c1');
  assert.equal(world.pass().length, 1);
  world.at('08:05').fires('web-1 unreachable');
  world.fires('web-2 unreachable');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['web-1 unreachable: isolated for ops', 'web-2 unreachable: isolated for ops']);
  world.at('09:00').recovers('- collector-isolated c1');
  world.recovers('web-1 unreachable');
  assert.deepEqual(world.pass(), [
    'ops: firing critical web-2 unreachable, resolved - collector-isolated c1, ' +
      'past web-1 unreachable 08:05 to 09:00 (only listed)',
  ]);
});

test('who is not notified of the stand-in is notified of each client that it stands for', () => {
  const world = mailed(
    start(fleet.replace('name="web-1"', 'name="web-1" mail="web@example.org"')),
    '- collector-isolated c1',
    { at: '08:04' },
  );
  world.at('08:05').fires('web-1 unreachable');
  assert.deepEqual(world.pass(), ['web: firing critical web-1 unreachable']);
});

test('a stand-in that is only a warning stands for no critical alert, whoever hears of it', () => {
  const oncall = '<mail to="oncall@example.org" severity="critical"/></alerts>';
  const world = start(fleet.replace('</alerts>', oncall));
  world.fires('- collector-isolated c1', { severity: 'warning' });
  world.at('08:05').fires('web-1 unreachable');
  assert.deepEqual(world.pass(), [
    'oncall: firing critical web-1 unreachable',
    'ops: firing critical web-1 unreachable, firing warning - collector-isolated c1',
  ]);
});

test('a silence of the stand-in alone holds back none of its clients, but for those who know of it', () => {
  for (const wasNotified of [false, true]) {
    const world = start();
    if (!wasNotified) world.silence('*', 'collector-isolated', '07:00', '12:00');
    world.fires('- collector-isolated c1');
    world.pass('08:04');
    if (wasNotified) world.silence('*', 'collector-isolated', '08:04', '12:00');
    world.at('08:05').fires('web-1 unreachable');
    assert.deepEqual(world.pass(), wasNotified ? [] : ['ops: firing critical web-1 unreachable']);
  }
});

test('who is not notified that a client is unreachable is notified of its other alerts', () => {
  const dba = '<mail to="dba@example.org" rules="disk"/></alerts>';
  const world = start(fleet.replace('</alerts>', dba));
  world.fires('web-1 unreachable');
  world.fires('web-1 disk /');
  assert.deepEqual(world.pass(), ['dba: firing critical web-1 disk /', 'ops: firing critical web-1 unreachable']);
  assert.deepEqual(world.held(), ['web-1 disk /: unreachable for ops']);
  world.recovers('web-1 disk /');
  assert.deepEqual(world.pass('08:30'), ['dba: resolved web-1 disk /']);
});

/** Attributes by which a recipient of `unreachable` is not notified now. */
const later: readonly (readonly [what: string, attributes: string, severity: 'warning' | 'critical'])[] = [
  ['outside of the hours for that', 'hours="10:00-18:00"', 'critical'],
  ['who hears of it only if it is critical', 'severity="critical"', 'warning'],
  ['whose time has not come', 'after="15m"', 'critical'],
];
for (const [who, attributes, severity] of later) {
  test(`an unreachable client stands for nothing that is told to somebody ${who}`, () => {
    const mail = '<mail to="ops@example.org"';
    const world = start(`<alerts zone="UTC">${mail} rules="disk"/>${mail} rules="unreachable" ${attributes}/></alerts>
      <client name="web-1" ip="192.0.2.1" username="u"/>`);
    for (const name of ['web-1 unreachable', 'web-1 disk /']) world.fires(name, { severity });
    assert.deepEqual(world.pass(), [`ops: firing ${severity} web-1 disk /`]);
  });
}

const ofDisk = 'ops: firing critical web-1 disk /';
/** Mails about a member that is away with a full disk, by what the recipient hears, while enough serve or may not. */
const easings: readonly (readonly [mail: string, isClear: boolean, told: string, rule?: string])[] = [
  ['severity="critical"', true, ofDisk],
  ['severity="critical" rules="!group-short"', true, ofDisk],
  ['severity="critical"', true, ofDisk, '<alert name="group-short" severity="warning"/>'],
  ['rules="!group-short"', true, `${ofDisk}, firing warning web-1 unreachable`],
  ['severity="critical" rules="!group-short"', false, 'ops: firing critical web-1 unreachable'],
];
for (const [mail, isClear, told, rule = ''] of easings) {
  const enough = isClear ? 'enough serve' : 'nothing is known';
  test(`a member of a group is away: who hears ${mail} is told ${told} while ${enough} ${rule}`, () => {
    const world = start(`<alerts ><mail to="ops@example.org" ${mail}/></alerts>
      <group name="web" need="1">${rule}<client name="web-[1-2]" ip="192.0.2.[1-2]" username="u"/></group>`);
    const newestMs = world.now();
    if (isClear) world.add({ reports: new Map(['web-1', 'web-2'].map((name) => [name, { newestMs }])) });
    for (const name of ['web-1 unreachable', 'web-1 disk /']) world.fires(name);
    assert.equal(world.pass().join(), told);
  });
}

test('a client whose alert unreachable is silenced, or a warning, is notified of by its critical alerts', () => {
  for (const severity of ['critical', 'warning'] as const) {
    const world = start();
    if (severity === 'critical') world.silence('*', 'unreachable', '07:00', '12:00');
    world.fires('web-1 unreachable', { severity });
    world.fires('web-1 disk /');
    assert.match(world.pass()[0] ?? '', /firing critical web-1 disk \//);
  }
});

test('what an isolated collector held back does not ring later, though its own alert was notified long ago', () => {
  const world = mailed(start(fleet), '- collector-isolated c1', { at: '08:04' });
  world.at('08:05').fires('web-1 unreachable');
  assert.deepEqual(world.pass(), []);
  world.at('09:00').recovers('- collector-isolated c1');
  world.recovers('web-1 unreachable');
  assert.deepEqual(world.pass(), [
    'ops: resolved - collector-isolated c1, past web-1 unreachable 08:05 to 09:00 (only listed)',
  ]);
  assert.deepEqual(world.pass('10:00'), []);
  assert.deepEqual(world.pass('21:05'), []);
  assert.deepEqual(world.pass('21:10'), []);
  assert.ok(world.alerts().every(({ closedOut }) => closedOut));
});

/** Times at which web-1 was unreachable while its collector was isolated from 08:04 on, and the mails about it. */
const isolations: readonly (readonly [what: string, until: string | null, to: string, mails: readonly string[]])[] = [
  ['which goes on', null, '08:30', []],
  ['which ended with it', '08:30', '08:30', []],
  ['which ended well before', '08:30', '08:50', ['web-1 unreachable 08:05 to 08:50']],
];
for (const [what, until, to, told] of isolations) {
  test(`an absence that is over rings only for whom it was not that of the collector, ${what}`, () => {
    const world = mailed(
      start(fleet.replace('name="web-1"', 'name="web-1" mail="web@example.org"')),
      '- collector-isolated c1',
      { at: '08:04' },
    );
    if (until !== null) world.at(until).recovers('- collector-isolated c1');
    world.pass('08:55');
    world.passed('web-1 unreachable', '08:05', to);
    world.row('web-1');
    const past = `past web-1 unreachable 08:05 to ${to}`;
    assert.deepEqual(world.pass('09:00'), [...told.map((one) => `ops: past ${one}`), `web: ${past}`].sort());
  });
}

it('another collector’s clients are not isolated with it', (world) => {
  world.add({
    collectorOfRun: new Map([
      ['run a', 'c1'],
      ['run b', 'c2'],
    ]),
  });
  world.fires('- collector-isolated c1');
  world.at('08:05').fires('web-1 unreachable', { run: 'run a' });
  world.fires('web-2 unreachable', { run: 'run b' });
  assert.deepEqual(world.pass(), ['ops: firing critical - collector-isolated c1, firing critical web-2 unreachable']);
});

it('an isolated collector stands for no client that answered and failed', (world) => {
  mailed(world, '- collector-isolated c1', { at: '08:04' });
  world.at('08:05');
  for (const [name, isNetwork] of [
    ['web-1 unreachable', false],
    ['web-2 unreachable', true],
  ] as const) {
    world.fires(name);
    world.changes(name, { progress: { ...progressAt(world.now()), isNetwork } });
  }
  assert.deepEqual(world.pass(), ['ops: firing critical web-1 unreachable']);
});

it('a silent collector is one alert for the fleet and none for its clients', (world) => {
  world.fires('- collector-silent c1');
  world.at('08:05').fires('web-1 no-report');
  assert.deepEqual(world.pass(), ['ops: firing critical - collector-silent c1']);
  assert.deepEqual(world.held(), ['web-1 no-report: collector-silent for ops']);
});

test('without recipients of <alerts> those of clients are notified of the collector, and not of each client', () => {
  const world = start('<client name="web-1" ip="192.0.2.1" username="u" mail="web@example.org"/>');
  world.fires('- collector-isolated c1');
  world.at('08:05').fires('web-1 unreachable');
  assert.deepEqual(world.pass(), ['web: firing critical - collector-isolated c1']);
});

const behindBastion = `
  <alerts repeat="12h"><mail to="ops@example.org"/></alerts>
  <bastion name="bastion-fra" ip="192.0.2.10" username="jump"/>
  <group name="fra" proxyJump="bastion-fra"><client name="fra-[1-6]" ip="192.0.2.[11-16]" username="u"/></group>
  <client name="web-1" ip="192.0.2.1" username="u"/>`;

const ofBastion = { kind: 'parent', name: 'bastion-fra', names: ['bastion-fra'], isBastion: true, behind: 6 };

test('a bastion that is gone is one line that names it; who follows is no news', () => {
  const world = start(behindBastion);
  for (const index of [1, 2, 3, 4, 5]) world.fires(`fra-${index} unreachable`);
  world.fires('fra-6 not-trusted', { severity: 'warning' });
  world.pass('08:00');
  const fold = world.mails[0]?.mail.sections[0]?.rules[0]?.lines[0]?.fold;
  assert.deepEqual(fold, { ...ofBastion, still: [] });
  world.at('08:10').fires('fra-6 unreachable');
  assert.deepEqual(world.pass(), []);
  assert.deepEqual(world.held(), ['fra-6 unreachable: bastion for ops']);
  world.at('09:00');
  for (const index of [1, 2, 3, 4, 5]) world.recovers(`fra-${index} unreachable`);
  assert.match(world.pass()[0] ?? '', /^ops: firing critical fra-6 unreachable, resolved fra-1 unreachable,/);
  const back = world.mails[1]?.mail.sections.find(({ kind }) => kind === 'resolved')?.rules[0]?.lines[0]?.fold;
  assert.deepEqual(back, { ...ofBastion, still: ['fra-6'] });
});

test('one client behind a bastion that answers means that the bastion does', () => {
  const world = start(behindBastion);
  for (const index of [1, 2, 3, 4]) world.fires(`fra-${index} unreachable`);
  world.pass('08:00');
  assert.equal(world.mails[0]?.mail.sections[0]?.rules[0]?.lines.length, 4);
  world.at('08:10').fires('fra-5 unreachable');
  assert.deepEqual(world.pass(), ['ops: firing critical fra-5 unreachable']);
});

test('a client that was down before its bastion does not make the bastion known', () => {
  const world = mailed(start(behindBastion), 'fra-1 unreachable');
  world.at('09:00');
  for (const index of [2, 3, 4, 5, 6]) world.fires(`fra-${index} unreachable`);
  assert.equal(world.pass().length, 1);
  assert.equal(world.held().length, 0);
});

test('a bastion that was notified of as a warning holds back no critical client behind it', () => {
  const world = start(behindBastion);
  for (const index of [1, 2, 3, 4, 5]) world.fires(`fra-${index} unreachable`, { severity: 'warning' });
  world.fires('fra-6 not-trusted', { severity: 'warning' });
  world.pass('08:00');
  world.at('08:10').fires('fra-6 unreachable');
  assert.deepEqual(world.pass(), ['ops: firing critical fra-6 unreachable']);
});

test('notifications of single clients, before the last of them was lost, do not make the bastion known', () => {
  const world = start(behindBastion);
  for (const index of [1, 2, 3, 4, 5]) world.fires(`fra-${index} unreachable`);
  world.pass('08:00');
  world.at('08:10').fires('fra-6 unreachable');
  assert.deepEqual(world.pass(), ['ops: firing critical fra-6 unreachable']);
});
