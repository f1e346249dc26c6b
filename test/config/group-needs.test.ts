/** Groups that need some of their members: what is read, refused and warned of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyOfGroup } from '../../src/about/kinds.ts';
import { awayWords, membersByGroup, neededOf } from '../../src/config/clients/group-needs.ts';
import { parseNeed } from '../../src/config/values/quantities.ts';
import { assertFault, faults, load } from './support/config-files.ts';
import { createWatches } from '../../src/alerter/inhibit/watches.ts';

const members = (count: number, more = ''): string =>
  `<client name="web-[1-${count}]" ip="10.0.0.[1-${count}]" password="x" ${more}/>`;
const eight = members(8);
const alerts = '<alerts mail="ops@example.org"/>';

/** The group of docs/alerts.md that counts a check. */
const checked = `<group name="web" need="6" needRules="unreachable, no-report, postgres">
  <alert name="postgres" type="check" check="postgres"/>${eight}</group>`;

const warningsOf = (children: string): readonly string[] =>
  load(`${alerts}${children}`).warnings.flatMap(({ message }) =>
    message.includes('needRules') || message.includes('need') ? [message] : [],
  );

for (const [text, expected] of [
  ['6', { need: 6, isShare: false }],
  ['75%', { need: 75, isShare: true }],
  ['100%', { need: 100, isShare: true }],
  ['0', null],
  ['0%', null],
  ['101%', null],
  ['-1', null],
  ['6.5', null],
  ['six', null],
  ['', null],
] as const) {
  test(`need="${text}" is ${expected === null ? 'refused' : 'read'}`, () => {
    assert.deepEqual(parseNeed(text), expected);
  });
}

for (const [need, count, needed] of [
  ['6', 8, 6],
  ['6', 4, 4],
  ['75%', 8, 6],
  ['70%', 8, 6],
  ['71%', 7, 5],
  ['1%', 8, 1],
  ['7%', 100, 7],
  ['100%', 8, 8],
  ['6', 0, 0],
] as const) {
  test(`need="${need}" of ${count} is ${needed}`, () => {
    const config = load(`${alerts}<group name="web" need="${need}">${members(Math.max(2, count))}</group>`);
    const [one] = config.needs;
    assert.ok(one);
    assert.equal(neededOf(one, count), needed);
  });
}

test('members are the active clients inside, also of inner groups', () => {
  const config = load(
    `${alerts}<group name="web" need="2">${members(3)}<group name="edge">` +
      '<client name="edge-1" ip="10.0.1.1" password="x"/>' +
      '<client name="edge-2" ip="10.0.1.2" password="x" state="paused"/>' +
      '<client name="edge-3" ip="10.0.1.3" password="x" state="retired"/></group></group>' +
      '<client name="db-1" ip="10.0.2.1" password="x"/>',
  );
  const names = membersByGroup(config)
    .get('web')
    ?.map(({ name }) => name);
  assert.deepEqual(names, ['web-1', 'web-2', 'web-3', 'edge-1']);
  assert.deepEqual(config.needs[0]?.rules, ['unreachable', 'no-report']);
});

test('the group has its own rule, recipients, windows and labels', () => {
  const config = load(
    `<alerts mail="ops@example.org"><alert name="group-short" repeat="1h"/></alerts>
      <group name="web" need="6" labels="team=web">
      <mail to="web@example.org"/><mail to="one@example.org" clients="web-1"/>
      <alert name="group-short" severity="warning" note="call"/><window start="02:00" duration="1h"/>${eight}</group>`,
  );
  const [need] = config.needs;
  assert.equal(need?.rule?.severity, 'warning');
  assert.equal(need.rule.repeatMs, 3_600_000);
  assert.equal(need.rule.note, 'call');
  assert.equal(need.windows.length, 1);
  assert.deepEqual(need.labels, { team: 'web' });
  const { listeners } = createWatches(config)(keyOfGroup('web'));
  assert.deepEqual([...listeners.keys()], ['ops@example.org', 'web@example.org'], 'not whoever hears of one member');
  assert.ok(config.clients.every(({ rules }) => rules.every(({ name }) => name !== 'group-short')));
  assert.ok(config.alerts.rules.every(({ name }) => name !== 'group-short'));
});

test('windows that select all members hold for the group, and those for some of them do not', () => {
  const needOf = (which: string) =>
    load(
      `<alerts mail="ops@example.org"><window start="02:00" duration="1h" ${which}/></alerts>
        <group name="web" need="6" labels="role=web">${eight}</group>`,
    ).needs[0];
  for (const which of ['', 'clients="web-*"', 'labels="role=web"', 'labels="role!=db"']) {
    assert.equal(needOf(which)?.windows.length, 1, which);
  }
  for (const which of ['clients="web-[1-7]"', 'clients="web-*,!web-8"', 'labels="role=db"']) {
    assert.equal(needOf(which)?.windows.length, 0, which);
  }
});

test('whoever asks for a rule of needRules hears of the group, unless it is excluded by its name', () => {
  const config = load(
    `<alerts><mail to="a@example.org" rules="unreachable"/><mail to="b@example.org" rules="disk*"/>
      <mail to="c@example.org" rules="!group-short"/><mail to="d@example.org" rules="group-short"/>
      <mail to="e@example.org"/></alerts><group name="web" need="6">${eight}</group>`,
  );
  const { listeners } = createWatches(config)(keyOfGroup('web'));
  assert.deepEqual([...listeners.keys()], ['a@example.org', 'd@example.org', 'e@example.org']);
  const unknown = createWatches(config)(keyOfGroup('other'));
  assert.equal(unknown.rule, null);
  assert.equal(unknown.listeners.size, 0);
});

test('enabled="no" ends the rule of the group', () => {
  const off = '<alert name="group-short" enabled="no"/>';
  assert.equal(load(`${alerts}<group name="web" need="6">${off}${eight}</group>`).needs[0]?.rule, null);
  assert.equal(
    load(`<alerts mail="a@example.org">${off}</alerts><group name="web" need="6">${eight}</group>`).needs[0]?.rule,
    null,
  );
});

for (const [what, children, words] of [
  ['need without a name', `<group need="6">${eight}</group>`, /<group> has need and no name; write name="..."/],
  ['needRules without need', `<group name="web" needRules="no-report">${eight}</group>`, /needRules and no need/],
  [
    'need inside of need',
    `<group name="a" need="1">${members(2)}<group name="b" need="1">
      <client ip="10.1.1.1" password="x"/></group></group>`,
    /inside of the group "a", which has need too/,
  ],
  [
    'a name that another group has',
    `<group name="web" need="6">${eight}</group>\n<group name="web"><client ip="10.1.1.1" password="x"/></group>`,
    /config.xml:2: <group name="web"> has need, and a group in .*config.xml line 3 has the same name/,
  ],
  ['a name that is none, once', `<group name="web*" need="6">${eight}</group>`, /name="web\*" cannot be a name/],
  [
    'no number',
    `<group name="web" need="most">${eight}</group>`,
    /need="most" is no number of members; write it like 6/,
  ],
  [
    'the rule of a group in a client',
    `<client ip="10.1.1.1" password="x"><alert name="group-short" severity="warning"/></client>`,
    /"group-short" concerns a whole group; write it into the <group> or <alerts>/,
  ],
] as const) {
  test(`${what} is a fault`, () => {
    assertFault(children, words);
    assert.equal(faults(`${alerts}${children}`).length, 1);
  });
}

for (const [what, children, expected] of [
  [
    'a need of all',
    `<group name="web" need="100%">${eight}</group>`,
    [/all 8 members are needed, so need does nothing/],
  ],
  ['a larger need', `<group name="web" need="9">${eight}</group>`, [/all 8 members are needed/]],
  [
    'a group without clients',
    '<group name="web" need="2"></group><client ip="10.9.9.9" password="x"/>',
    [/: it has no members, so need does nothing; write a smaller need, or remove it$/],
  ],
  ['a need of the only member', `<group name="web" need="1">${members(1)}</group>`, [/its only member is needed/]],
  [
    'a need of all that are active',
    `<group name="web" need="6">${members(6)}<client name="web-7" ip="10.0.0.7" password="x" state="paused"/></group>`,
    [/all 6 active members are needed, so need does nothing now$/],
  ],
  [
    'a rule that is a warning',
    `<group name="web" need="6" needRules="unreachable,clock-offset">${eight}</group>`,
    [/"clock-offset" of needRules is only a warning for its members, so it cannot count/],
  ],
  [
    'a rule that nobody has',
    `<group name="web" need="6" needRules="unreachabel">${eight}</group>`,
    [/needRules="unreachabel" names no rule of its members; did you mean "unreachable"/],
  ],
  [
    'many rules that are warnings, once',
    `<group name="web" need="6" needRules="*">${eight}</group>`,
    [/"inodes", "disk-full", "inodes-full" and \d+ more of needRules are only warnings for its members/],
  ],
  [
    'a check without a rule of its own',
    `<group name="web" need="6" needRules="unreachable,check http">${eight}</group>`,
    [/names no rule of its members; write <alert name="check http" type="check" check="http"\/> into the group/],
  ],
  [
    'a rule that is like no other',
    `<group name="web" need="6" needRules="unreachable,group-short">${eight}</group>`,
    [/names no rule of its members; `fleet-health check web-1` lists them/],
  ],
  [
    'a rule about what a group needs, in a group that needs nothing of its members',
    `<group name="web"><alert name="group-short" severity="warning"/>${eight}</group>`,
    [/"group-short"> does nothing here: neither the group nor one within it has need; write need="..." on the group/],
  ],
  [
    'such a rule in a group within one that has need, which counts all members together',
    `<group name="web" need="6">${eight}<group name="old"><alert name="group-short" enabled="no"/></group></group>`,
    [/"group-short"> does nothing here/],
  ],
  [
    'no such rule around a group that has need',
    `<group name="all"><alert name="group-short" repeat="1h"/><group name="web" need="6">${eight}</group></group>`,
    [],
  ],
  ['a check with a rule of its own', checked, []],
  ['nothing odd', `<group name="web" need="75%">${eight}</group>`, []],
] as const) {
  test(`check warns of ${what}`, () => {
    const found = warningsOf(children);
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, words] of expected.entries()) assert.match(found[index] ?? '', words);
  });
}

test('the members that may be away are words', () => {
  assert.equal(awayWords(2), 'two may be away');
  assert.equal(awayWords(12), '12 may be away');
});
