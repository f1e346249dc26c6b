/** The words of the alert of a group that lacks members, and of its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { evaluateFleet } from '../../../src/alerter/absence/fleet-conditions.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { composeMail } from '../../../src/alerter/compose/compose-mail.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { configOf } from '../support/config-of.ts';
import { lost, run, seen } from '../support/fleet-passes.ts';
import { GroupFleet, type Word } from '../support/group-fleet.ts';
import { at } from '../support/rows.ts';

const head = '<collector every="5m"/><alerts zone="UTC" mail="ops@example.org"/>';
const member = (number: number): string => `<client name="m${number}" ip="192.0.2.${number}" username="u"/>`;
const members = (count: number): string => Array.from({ length: count }, (_, index) => member(index + 1)).join('');
const four = configOf(`${head}<group name="web" need="3">${members(4)}</group>`);

interface Given {
  readonly config?: Config;
  readonly away: readonly string[];
  /** Members without a report of late. */
  readonly mute?: readonly string[];
  readonly alerts?: readonly Alert[];
}

/** Makes a pass over a group, and returns the alerts of the group. */
function passAt(time: string, { config = four, away, mute = [], alerts = [] }: Given): readonly Alert[] {
  const changed = evaluateFleet({
    ...{ config, runs: [run('08:00'), run('08:05'), run('08:10'), run('08:15')] },
    seenClients: config.clients.map(({ name }) => seen(name, time)),
    alerts: [...alerts, ...lost(config, ['08:00', '08:05'], 'dns', away)].map((alert, id) => ({ ...alert, id })),
    reports: new Map(
      config.clients.map(({ name }) => [name, { newestMs: mute.includes(name) ? at('07:00') : at(time) }]),
    ),
    ...{ nowMs: at(time), databaseUpSinceMs: at('00:00') },
  });
  return changed.filter((one) => one.about === 'group');
}

const wordsOf = (given: Given): readonly string[] => passAt('08:07', given).map(({ valueText }) => valueText);
const hosts = `${head}<client name="hv-1" ip="192.0.2.90" username="u"/><client name="hv-2" ip="192.0.2.91" username="u"/>`;
const on = (which: string): Config =>
  configOf(`${hosts}<group name="web" need="3" on="${which}">${members(4)}</group>`);
const onHost = (number: number): string => member(number).replace('/>', ' on="hv-1"/>');
const behind = configOf(`${head}<bastion name="gate" ip="192.0.2.90" username="u"/>
  <group name="web" need="3" proxyJump="gate">${members(4)}</group>`);
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `m${index + 1}`);

for (const [what, given, words] of [
  ['enough serve', { away: ['m1'] }, []],
  ['two of four are away', { away: ['m1', 'm3'] }, ['web: 2 of 4 serve, 3 are needed: m1 unreachable, m3 unreachable']],
  [
    'one serves',
    { away: names(3) },
    ['web: 1 of 4 serves, 3 are needed: m1 unreachable, m2 unreachable, m3 unreachable'],
  ],
  [
    'none of two serves where one is enough',
    { config: configOf(`${head}<group name="web" need="1">${members(2)}</group>`), away: names(2) },
    ['web: none of 2 serve, 1 is needed: m1 unreachable, m2 unreachable'],
  ],
  [
    'one more is unknown',
    { away: ['m1', 'm2'], mute: ['m4'] },
    ['web: at most 2 of 4 serve, 3 are needed: m1 unreachable, m2 unreachable; unknown: m4'],
  ],
  [
    'the others are unknown',
    { away: ['m1', 'm2'], mute: ['m3', 'm4'] },
    ['web: at most 2 of 4 serve, 3 are needed: m1 unreachable, m2 unreachable; unknown: m3, m4'],
  ],
  [
    'more are away than a line can name',
    { config: configOf(`${head}<group name="web" need="11">${members(12)}</group>`), away: names(12) },
    [`web: none of 12 serve, 11 are needed: ${names(10).join(' unreachable, ')} unreachable and 2 more`],
  ],
  [
    'the host of all is away too',
    { config: on('hv-1'), away: ['hv-1', 'm1', 'm2'] },
    ['web: 2 of 4 serve, 3 are needed: m1 unreachable, m2 unreachable, all on hv-1, which is unreachable'],
  ],
  [
    'both hosts of all are away too',
    { config: on('hv-1 hv-2'), away: ['hv-1', 'hv-2', 'm1', 'm2'] },
    ['web: 2 of 4 serve, 3 are needed: m1 unreachable, m2 unreachable, all on hv-1 and hv-2, which are unreachable'],
  ],
  [
    'the host of one is away too, and not that of the other',
    {
      config: configOf(`${hosts}<group name="web" need="3">${onHost(1)}${onHost(2)}${member(3)}${member(4)}</group>`),
      away: ['hv-1', 'm1', 'm3'],
    },
    ['web: 2 of 4 serve, 3 are needed: m1 unreachable, m3 unreachable'],
  ],
  [
    'their bastion is lost',
    { config: behind, away: names(4) },
    [
      'web: none of 4 serve, 3 are needed: m1 unreachable, m2 unreachable, m3 unreachable, m4 unreachable, ' +
        'all behind gate, which is unreachable',
    ],
  ],
] satisfies readonly (readonly [string, Given, readonly string[]])[]) {
  test(`a group says who serves and who is away: ${what}`, () => {
    assert.deepEqual(wordsOf(given), words);
  });
}

test('the alert of a group begins with its newest loss, and ends with two runs in which enough serve', () => {
  const [begun, ...others] = passAt('08:07', { away: ['m1', 'm2'] });
  assert.ok(begun !== undefined && others.length === 0);
  assert.deepEqual(
    [begun.subject, begun.severity, begun.changedByRun, begun.firstEvidence],
    ['web', 'critical', 'run of 08:05', 'run of 08:00/m1'],
  );
  assert.deepEqual([begun.pendingSinceMs, begun.firingSinceMs], [at('08:05'), at('08:05')]);
  const [once] = passAt('08:12', { away: ['m1'], alerts: [begun] });
  assert.deepEqual([once?.state, once?.valueText], ['firing', 'web: 3 of 4 serve again; still away: m1']);
  const [ended] = passAt('08:17', { away: ['m1'], alerts: [once ?? begun] });
  assert.deepEqual([ended?.closedReason, ended?.resolvedAtMs], ['recovered', at('08:16')]);
  assert.equal(ended?.valueText, 'web: 3 of 4 serve again; still away: m1');
});

/** Returns a fleet of four clients, of which three are needed. */
const fleetOfFour = (elements = ''): GroupFleet =>
  new GroupFleet(
    configOf(`<collector every="5m"/><alerts zone="UTC">
      <mail to="ops@example.org"/><mail to="oncall@example.org" severity="critical"/></alerts>
      <group name="web" need="3">${members(4)}</group>${elements}`),
  );
const fails = (count: number): Readonly<Record<string, Word>> =>
  Object.fromEntries(names(count).map((name) => [name, 'fails']));

test('a group that was short without an alerter is told of as past, with the fewest that served', async () => {
  const fleet = fleetOfFour();
  fleet.collect({});
  await fleet.pass();
  for (const away of [2, 2, 3, 3, 2, 1, 1, 1, 1, 1]) fleet.collect(fails(away));
  const mails = await fleet.pass();
  assert.equal(mails.length, 2);
  for (const { items } of mails) {
    const told = items.find(({ alert }) => alert.about === 'group');
    const words = 'web: 3 of 4 serve again, 1 of 4 at worst; still away: m1';
    assert.deepEqual([told?.transition, told?.alert.valueText], ['past', words]);
  }
});

test('a group that somebody was told of ends without its worst', async () => {
  const fleet = fleetOfFour();
  for (const away of [0, 2, 2, 3, 3, 2, 1, 1, 1, 1]) {
    fleet.collect(fails(away));
    await fleet.pass();
  }
  const [ended] = fleet.groupAlerts.values();
  assert.deepEqual([ended?.state, ended?.valueText], ['resolved', 'web: 3 of 4 serve again; still away: m1']);
});

test('members that were told of as warnings are named below the alert of their group', async () => {
  const fleet = fleetOfFour();
  const mails: DueMail[] = [];
  for (const away of [0, 1, 1, 1, 2, 2]) {
    fleet.collect(fails(away));
    mails.push(...(await fleet.pass()));
  }
  const told = mails.map(({ recipient, items }) => [
    recipient,
    ...items.map(({ transition, severity, client, below = '' }) =>
      `${transition} ${severity} ${client} ${below}`.trim(),
    ),
  ]);
  const short = 'firing critical';
  assert.deepEqual(told, [
    ['ops@example.org', 'firing warning m1'],
    ['oncall@example.org', short, `${short} m1 web`, `${short} m2 web`],
    ['ops@example.org', short, 'escalated critical m1 web', `${short} m2 web`],
  ]);
  for (const mail of mails.slice(1)) {
    const { text } = composeMail({ mail, config: fleet.config, nowMs: at('09:00'), charts: new Map(), program: 'x' });
    assert.match(text, /2 of 4 serve, 3 are needed: m1 unreachable, m2 unreachable/);
    for (const name of ['m1', 'm2']) assert.match(text, new RegExp(`^ +.*\\b${name}\\b.*unreachable`, 'm'));
  }
});
