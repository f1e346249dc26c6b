/** Machines without which clients cannot be reached: the bastions of their routes, and those that `on` names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { foldTitle } from '../../../src/alerter/compose/item-words.ts';
import { knownLostParents } from '../../../src/alerter/inhibit/inhibition.ts';
import type { LostParent } from '../../../src/alerter/inhibit/lost-parents.ts';
import { parentsOf } from '../../../src/config/clients/parents.ts';
import { load } from '../../config/support/config-files.ts';
import { startDispatch, type DispatchWorld } from '../support/dispatch-world.ts';
import { alert } from '../../storage/support/alert-samples.ts';

const ways: readonly (readonly [proxyJump: string, way: readonly string[]])[] = [
  ['fra', ['fra']],
  ['ams', ['fra', 'ams']],
  ['fra, ams', ['fra', 'ams']],
  // If proxyJump has several jumps, only the proxyJump of the first bastion counts.
  ['ams,rack', ['fra', 'ams', 'rack']],
  ['gate', ['fra', 'gate']],
  ['root@gate:23', ['root@gate:23']],
];
for (const [proxyJump, way] of ways) {
  test(`the way of proxyJump="${proxyJump}"`, () => {
    const config =
      load(`<ssh username="u"/><bastion name="fra" ip="192.0.2.1"/><bastion name="ams" ip="192.0.2.2" proxyJump="fra"/>
       <bastion name="rack" ip="192.0.2.3" proxyJump="elsewhere.example.org"/>
       <client name="gate" ip="192.0.2.4" proxyJump="fra"/><client name="web" ip="10.0.0.1" proxyJump="${proxyJump}"/>`);
    assert.deepEqual(
      parentsOf(config)
        .of('web')
        .map(({ name }) => name),
      way,
    );
  });
}

test('the parents of a client, with theirs: alternatives share what both of them need', () => {
  const config = load(`<ssh username="u"/><bastion name="fra" ip="192.0.2.1"/>
    <group on="sw-3"><client name="sw-3" ip="10.0.0.3"/><client name="hv-[1-2]" ip="10.0.1.[1-2]" proxyJump="fra"/>
      <client name="vm-1" ip="10.0.2.1" on="hv-1"/><client name="vm-2" ip="10.0.2.2" on="hv-1 hv-2"/>
      <client name="vm-3" ip="10.0.2.3" on="none"/><client name="vm-4" ip="10.0.2.4" on="old hv, hv-1"/></group>
    <client name="gone" ip="10.0.2.5" on="hv-1" state="retired"/>`);
  const { of } = parentsOf(config);
  const names = ['sw-3', 'hv-1', 'vm-1', 'vm-2', 'vm-3', 'vm-4', 'gone'].map((client) => [
    client,
    of(client)
      .map(({ name }) => name)
      .join(', '),
  ]);
  assert.deepEqual(Object.fromEntries(names), {
    'sw-3': '',
    'hv-1': 'fra, sw-3',
    'vm-1': 'fra, sw-3, hv-1',
    'vm-2': 'fra, sw-3, hv-1 and hv-2',
    'vm-3': '',
    'vm-4': 'old hv and hv-1',
    gone: '',
  });
});

const fleet = `<alerts groupInterval="1s"><mail to="ops@example.org"/></alerts><ssh username="u"/>
  <client name="hv-[1-2]" ip="10.0.0.[1-2]"/>
  <group on="hv-1"><client name="vm-[1-4]" ip="10.0.1.[1-4]"/></group>
  <client name="both" ip="10.0.2.1" on="hv-1 hv-2"/>
  <client name="pushes" transport="push" on="hv-1"/>`;

const away = (world: DispatchWorld, ...clients: readonly string[]): void => {
  for (const client of clients) world.fires(`${client} unreachable`);
};
const back = (world: DispatchWorld, ...clients: readonly string[]): void => {
  for (const client of clients) world.recovers(`${client} unreachable`);
};

/** Returns the titles of the folded lines of the newest mail, by section. */
function titles({ mails }: DispatchWorld): readonly string[] {
  return (mails.at(-1)?.mail.sections ?? []).flatMap(({ kind, rules }) =>
    rules.flatMap(({ lines }) =>
      lines.map((line) => `${kind} ${line.fold === null ? (line.items[0]?.client ?? '') : foldTitle(line, kind)}`),
    ),
  );
}

test('what stands on a machine is one line of the mail about it, and who follows is no news', () => {
  const world = startDispatch(fleet);
  away(world, 'hv-1', 'vm-1', 'vm-2');
  world.fires('pushes no-report');
  world.fires('vm-3 disk /');
  world.pass('08:00');
  assert.deepEqual(titles(world), ['critical vm-3', 'critical hv-1: unreachable with 3 of 5 on it']);
  world.at('08:10');
  away(world, 'vm-4');
  assert.deepEqual([world.pass(), world.held()], [[], ['vm-4 unreachable: parent for ops']]);
  world.at('09:00');
  back(world, 'hv-1', 'vm-1', 'vm-2');
  world.recovers('pushes no-report');
  assert.match(world.pass()[0] ?? '', /^ops: firing critical vm-4 unreachable, resolved hv-1 unreachable,/);
  assert.deepEqual(titles(world), [
    'critical vm-4',
    'resolved hv-1: reachable again with 3 of 5 on it; still not: vm-4',
  ]);
});

test('what follows a machine and comes back with it was never reported, and is one line of what is over', () => {
  const world = startDispatch(fleet);
  away(world, 'hv-1');
  world.pass('08:00');
  world.at('08:10');
  away(world, 'vm-1', 'vm-2', 'vm-3', 'vm-4');
  assert.deepEqual(world.pass(), []);
  // The machine's first good visit: what it carries is given the time until the second one.
  world.at('08:20').easesUp('hv-1 unreachable');
  assert.deepEqual(world.pass(), []);
  world.at('08:30');
  back(world, 'hv-1', 'vm-1', 'vm-2', 'vm-3', 'vm-4');
  world.pass();
  assert.deepEqual(titles(world), ['resolved hv-1', 'past hv-1: unreachable (4 of 5 clients on it)']);
});

test('of several machines all must be away', () => {
  const world = startDispatch(fleet);
  away(world, 'hv-1');
  world.pass('08:00');
  world.at('08:10');
  away(world, 'both');
  assert.deepEqual(world.pass(), ['ops: firing critical both unreachable']);
  world.at('09:00');
  back(world, 'both');
  world.pass();
  world.at('09:10');
  away(world, 'hv-2');
  world.pass();
  world.at('09:20');
  away(world, 'both');
  assert.deepEqual([world.pass(), world.held()], [[], ['both unreachable: parent for ops']]);
});

test('a machine on a machine that is away is no news, nor what stands on both', () => {
  const world = startDispatch(fleet.replace('<client name="hv-[1-2]"', '<client name="sw" ip="10.0.0.9"/>$& on="sw"'));
  away(world, 'sw');
  world.pass('08:00');
  world.at('08:10');
  away(world, 'hv-1', 'hv-2', 'vm-1', 'both');
  assert.deepEqual(world.pass(), []);
  assert.equal(world.held().length, 4);
});

type Case = readonly [what: string, mails: readonly string[], act: (world: DispatchWorld) => void, elements?: string];
const told = ['ops: firing critical vm-1 unreachable'];
const vm1 = (world: DispatchWorld): void => away(world, 'vm-1');

/** Events after the mail that hv-1 is away, with the mails of the next pass. */
const cases: readonly Case[] = [
  ['a client on it', [], vm1],
  ['what has not been pushed from a client on it', [], (world) => world.fires('pushes no-report')],
  [
    'a check of a client that is reached',
    ['ops: firing critical vm-1 check http'],
    (world) => world.fires('vm-1 check http'),
  ],
  [
    'no report of a client that was reached',
    ['ops: firing critical vm-1 no-report'],
    (world) => world.fires('vm-1 no-report'),
  ],
  ['a client that stands on nothing', told, vm1, fleet.replace('<group on="hv-1">', '<group on="none">')],
  [
    'a recipient who was not notified of the machine',
    ['vms: firing critical vm-1 unreachable'],
    vm1,
    fleet.replace('<group on="hv-1">', '$&<mail to="vms@example.org"/>'),
  ],
  [
    'after its second good visit',
    told,
    (world) => {
      back(world, 'hv-1');
      world.pass('08:05');
      vm1(world);
    },
  ],
  [
    'while it flaps and is up',
    told,
    (world) => {
      world.changes('hv-1 unreachable', { flapping: true });
      world.easesUp('hv-1 unreachable');
      world.pass('08:05');
      vm1(world);
    },
  ],
];
for (const [what, mails, act, elements = fleet] of cases) {
  test(`a machine is away: ${what} ${mails.length === 0 ? 'is held back' : 'is notified'}`, () => {
    const world = startDispatch(elements);
    away(world, 'hv-1');
    assert.deepEqual(world.pass('08:00'), ['ops: firing critical hv-1 unreachable']);
    world.at('08:10');
    act(world);
    assert.deepEqual(
      world.pass('08:15').filter((mail) => !mail.includes('hv-1')),
      mails,
    );
  });
}

test('a machine whose alert is muted, or a warning, holds back no critical alert', () => {
  const muted = startDispatch(fleet);
  muted.silence('hv-1', '*', '07:00', '12:00');
  away(muted, 'hv-1', 'vm-1');
  assert.deepEqual(muted.pass('08:00'), told);
  const milder = startDispatch(fleet);
  milder.fires('hv-1 unreachable', { severity: 'warning' });
  milder.pass('08:00');
  milder.at('08:10');
  vm1(milder);
  assert.deepEqual(milder.pass(), told);
});

test('a machine that is no client is away when all that stands on it is, and one that was reached is not', () => {
  for (const [elements, isNamed] of [
    [fleet.replaceAll('hv-1', 'sw-3'), true],
    [fleet, false],
  ] as const) {
    const world = startDispatch(elements.replace(/<client name="(both|pushes)".*/g, ''));
    away(world, 'vm-1', 'vm-2', 'vm-3');
    world.fires('vm-4 not-trusted', { severity: 'warning' });
    world.pass('08:00');
    world.at('08:10');
    away(world, 'vm-4');
    assert.deepEqual(world.pass(), isNamed ? [] : ['ops: firing critical vm-4 unreachable']);
    assert.equal(world.mails[0]?.mail.sections[0]?.rules[0]?.lines.length, isNamed ? 1 : 3);
  }
});

/** Mails about clients behind `gate`, which is away since 10, or behind `other`, and the parents that they name. */
const knowledge: readonly (readonly [what: string, known: readonly string[], parents: readonly string[]])[] = [
  ['two clients in one mail', ['gate 10 critical', 'gate 10 critical'], ['gate critical']],
  ['two clients in two mails', ['gate 10 critical', 'gate 11 critical'], []],
  ['two clients at two severities, which share no line', ['gate 10 critical', 'gate 10 warning'], []],
  ['two clients before all were lost', ['gate 9 critical', 'gate 9 critical'], []],
  ['two clients behind two parents', ['gate 10 critical', 'other 10 critical'], []],
  ['two clients whose ends were told', ['gate 10 critical resolved', 'gate 10 critical resolved'], []],
  ['the worst, told first', [...two('gate 10 critical'), ...two('gate 11 warning')], ['gate critical']],
  ['the worst, told last', [...two('gate 10 warning'), ...two('gate 11 critical')], ['gate critical']],
];
function two(known: string): readonly string[] {
  return [known, known];
}
for (const [what, known, parents] of knowledge) {
  test(`a lost parent is known by a mail about two that need it: ${what}`, () => {
    const read = known.map((words) => words.split(' '));
    const alerts = read.map(([client = '', atMs, severity, state = 'firing']) => ({
      alert: alert({ client }),
      known: { state, severity, sequence: 1, notifiedAtMs: Number(atMs) } as never,
    }));
    const lostFor = (name: string): readonly LostParent[] => [{ name, sinceMs: 10 } as LostParent];
    const found = knownLostParents({ lostFor, lostBehind: () => [] }, alerts);
    assert.deepEqual(
      [...found].map(([name, severity]) => `${name} ${severity}`),
      parents,
    );
  });
}
