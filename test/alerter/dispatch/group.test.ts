import assert from 'node:assert/strict';
import { test } from 'node:test';

import { wordsOfRest } from '../../../src/alerter/compose/line-words.ts';
import type { Section } from '../../../src/alerter/dispatch/notification-plan.ts';
import { at } from '../support/rows.ts';
import { startDispatch, type DispatchWorld } from '../support/dispatch-world.ts';

const fleet = `
  <alerts><mail to="ops@example.org"/></alerts>
  <group name="web">
    <client name="web-[01-08]" ip="192.0.2.[1-8]" username="u"/>
    <group name="edge"><client name="edge-[01-08]" ip="198.51.100.[1-8]" username="u"/></group>
  </group>
  <client name="alone-[01-30]" ip="203.0.113.[1-30]" username="u"/>`;

function sectionsAfter(act: (world: DispatchWorld) => void, elements = fleet): readonly Section[] {
  const world = startDispatch(elements);
  act(world);
  world.pass('08:00');
  return world.mails[0]?.mail.sections ?? [];
}

/** Describes sections: `critical disk: [web: 5], web-01`, with `+ 3` for items without a line. */
function describe(sections: readonly Section[]): readonly string[] {
  return sections.flatMap(({ kind, rules }) =>
    rules.map(({ lines, rest }) => {
      const texts = lines.map(({ fold, clients, items }) => {
        if (fold === null) return `${clients[0] ?? 'fleet'} ${items[0]?.subject ?? ''}`.trim();
        const name = 'name' in fold ? fold.name : 'source' in fold ? fold.source : fold.kind;
        return `[${name}: ${clients.length}]`;
      });
      const more = rest.length === 0 ? '' : ` + ${rest.length}`;
      return `${kind} ${lines[0]?.items[0]?.rule ?? ''}: ${texts.join(', ')}${more}`;
    }),
  );
}

/** Expands names as config.xml does: `web-[01-03] disk /; alone-01 memory`. */
function named(text: string): readonly string[] {
  return text.split('; ').flatMap((part) => {
    const [, head = '', from = '', to = '', tail = ''] = /^(.*)\[(\d+)-(\d+)\](.*)$/.exec(part) ?? [];
    if (from === '') return [part];
    const numbers = Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
    return numbers.map((number) => `${head}${String(number).padStart(from.length, '0')}${tail}`);
  });
}

const mounts = named('alone-01 /d[10-27]').join(', ');
/** The name of a case, the firing alerts, and the lines of the critical section of the mail. */
const cases: readonly (readonly [name: string, alerts: string, ...expected: readonly string[]])[] = [
  ['four of a group are four lines', 'web-[01-04] disk /', 'disk: web-01 /, web-02 /, web-03 /, web-04 /'],
  ['five are one, whatever their subjects', 'web-[01-05] disk /; web-01 disk /srv', 'disk: [web: 5]'],
  [
    'one client with many subjects is no group',
    'web-01 disk /d[0-5]',
    'disk: web-01 /d0, web-01 /d1, web-01 /d2, web-01 /d3, web-01 /d4, web-01 /d5',
  ],
  [
    'under one rule',
    'web-[01-03] disk /; web-[04-06] memory',
    'disk: web-01 /, web-02 /, web-03 /',
    'memory: web-04, web-05, web-06',
  ],
  [
    'the innermost group that has five',
    'edge-[01-05] disk /; web-[01-02] disk /',
    'disk: [edge: 5], web-01 /, web-02 /',
  ],
  ['those of inner groups count for the outer one', 'edge-[01-03] disk /; web-[01-03] disk /', 'disk: [web: 6]'],
  ['twenty lines a rule, then a count', 'alone-[01-30] disk /', `disk: ${named('alone-[01-20] /').join(', ')} + 10`],
  [
    'a client that invents mounts leaves room for the others',
    'alone-01 disk /d[10-34]; alone-02 disk /; web-01 disk /',
    `disk: ${mounts}, alone-02 /, web-01 / + 7`,
  ],
  [
    'not-trusted is one line for all',
    'web-01 not-trusted; alone-01 not-trusted; edge-01 not-trusted',
    'not-trusted: [all: 3]',
  ],
  ['a single client that is not trusted is named', 'web-01 not-trusted', 'not-trusted: web-01'],
  [
    'what concerns the fleet comes first',
    'alone-01 disk /; - collector-silent c1',
    'collector-silent: fleet c1',
    'disk: alone-01 /',
  ],
];

for (const [name, alerts, ...expected] of cases) {
  test(name, () => {
    const sections = sectionsAfter((world) => named(alerts).forEach((alert) => world.fires(alert)));
    const lines = expected.map((line) => `critical ${line}`);
    assert.deepEqual(describe(sections), lines);
  });
}

test('one export that many mount is one line', () => {
  const sections = sectionsAfter((world) => {
    const exports = { 'alone-01\0/srv': 'nas:/srv', 'alone-02\0/data': 'nas:/srv', 'alone-03\0/srv': 'other:/srv' };
    world.add({ exportOf: new Map(Object.entries(exports)) });
    for (const alert of ['alone-01 disk /srv', 'alone-02 disk /data', 'alone-03 disk /srv']) world.fires(alert);
  });
  assert.deepEqual(describe(sections), ['critical disk: [nas:/srv: 2], alone-03 /srv']);
});

test('sections stand in their order, with what they count', () => {
  const world = startDispatch(fleet);
  world.fires('web-01 disk /');
  world.fires('web-02 disk /', { severity: 'warning' });
  world.pass('08:00');
  world.at('09:00').recovers('web-01 disk /');
  world.closes('web-02 disk /', 'gone');
  world.passed('web-03 disk /', '08:30', '08:40');
  world.fires('web-04 disk /', { severity: 'warning' });
  world.changes('web-04 disk /', { flapping: true });
  world.easesUp('web-04 disk /');
  world.fires('web-05 disk /', { severity: 'warning' });
  world.fires('web-06 disk /');
  world.pass();
  const kinds = world.mails[1]?.mail.sections.map(({ kind, count }) => `${kind} ${count}`);
  assert.deepEqual(kinds, ['critical 1', 'warning 1', 'flapping 1', 'resolved 1', 'ended 1', 'past 1']);
});

test('of one client and rule a mail has three lines at most while others wait, and names who has none', () => {
  const alerts = named('alone-01 disk /d[10-29]; alone-[02-30] disk /');
  const [section] = sectionsAfter((world) => alerts.forEach((alert) => world.fires(alert)));
  const [rule] = section?.rules ?? [];
  assert.ok(rule);
  const own = rule.lines.filter(({ clients }) => clients[0] === 'alone-01');
  assert.equal(own.length, 3);
  assert.equal(rule.lines.length, 20);
  const words = wordsOfRest(rule.rest, 'critical');
  assert.match(words, /^and 29 more of disk: alone-01 \(17\), alone-19 \/, /);
  for (const name of named('alone-[19-30]')) assert.ok(words.includes(name), name);
  const mixed = rule.rest.map((item, index) => (index < 27 ? { ...item, severity: 'warning' as const } : item));
  assert.match(wordsOfRest(mixed, 'open'), /^and 29 more of disk, 2 of them critical: alone-01 /);
});

test('many clients without a group and with one reason are one line with all their names', () => {
  const firstRow = { holding: 1, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('08:00') };
  const texts: readonly (readonly [code: string, text: (name: string) => string])[] = [
    ['connect-timeout', () => 'network: no answer from port 22 within 5000 ms'],
    ['dns', (name) => `network: getaddrinfo ENOTFOUND ${name.replace(' unreachable', '.example.org')}`],
  ];
  for (const [code, textOf] of texts) {
    const sections = sectionsAfter((world) => {
      for (const name of named('alone-[01-30] unreachable')) {
        world.fires(name);
        world.changes(name, { value: null, valueText: textOf(name), progress: { ...firstRow, code } });
      }
    });
    assert.deepEqual(describe(sections), ['critical unreachable: [reason: 30]']);
  }
});

test('a group counts its clients without those that are retired', () => {
  const some = '<client name="web-[09-10]" ip="192.0.2.[9-10]" username="u" state=';
  const [section] = sectionsAfter(
    (world) => named('web-[01-05] disk /').forEach((alert) => world.fires(alert)),
    fleet.replace('<group name="edge">', `${some}"paused"/>${some.replaceAll(/0?9-10/g, '11-12')}"retired"/>$&`),
  );
  assert.deepEqual(section?.rules[0]?.lines[0]?.fold, { kind: 'group', name: 'web', size: 18 });
});
