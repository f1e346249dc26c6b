/** Who serves in a group that needs some of its members, as a function of time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { easedWords } from '../../../src/alerter/inhibit/easing.ts';
import {
  concernedMembers,
  needingGroups,
  openGroupStates,
  type ReportTimes,
} from '../../../src/alerter/inhibit/group-states.ts';
import { silenceMatcher } from '../../../src/alerter/inhibit/silences.ts';
import { keyed } from '../../about/support/keyed.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert as sample } from '../../storage/support/alert-samples.ts';
import { configOf } from '../support/config-of.ts';
import { at } from '../support/rows.ts';

const config = configOf(
  `<collector every="5m"/><alerts mail="ops@example.org"><alert type="disk" warning="85%" critical="95%"/></alerts>
    <group name="web" need="3"><client name="m[1-4]" ip="192.0.2.[1-4]" username="u"/></group>
    <group name="all" need="2"><client name="n[1-2]" ip="192.0.2.[5-6]" username="u"/></group>
    <client name="db" ip="192.0.2.9" username="u"/>`,
);

function lost(client: string, from: string, to: string | null = null, over: Partial<Alert> = {}): Alert {
  const end =
    to === null ? {} : { state: 'resolved' as const, resolvedAtMs: at(to), closedReason: 'recovered' as const };
  const begun = { firingSinceMs: at(from), pendingSinceMs: at(from), changedByRun: 'run', sequence: 1 };
  const progress = { holding: 1, holdingSinceMs: at(from), clearing: 0, missing: 0, easing: 0, lastAtMs: at(from) };
  const usual = { client, rule: 'unreachable', subject: '', severity: 'critical' as const, state: 'firing' as const };
  return sample({ ...usual, progress, ...begun, ...end, ...over });
}

interface Given {
  readonly alerts?: readonly Alert[];
  readonly reports?: Readonly<Record<string, ReportTimes>>;
  readonly standIn?: Alert;
  readonly unfinished?: readonly string[];
}

const fresh = Object.fromEntries(['m1', 'm2', 'm3', 'm4'].map((name) => [name, { newestMs: at('08:00') }]));

function stateAt(time: string, { alerts = [], reports = {}, standIn, unfinished = [] }: Given): string {
  const states = openGroupStates({
    ...{ config, alerts, unfinishedRuns: new Set(unfinished) },
    reports: new Map(Object.entries({ ...fresh, ...reports })),
    standInFor: () => standIn ?? null,
  });
  const [group] = states.groups;
  assert.ok(group);
  const { serving, lostMembers, unknown, state } = states.at(group, at(time));
  return `${serving} serve, ${lostMembers} lost, ${unknown.length} unknown: ${state}`;
}

const isolated = (to: string | null): Alert => lost('', '07:50', to, { rule: 'collector-isolated', subject: 'c1' });

for (const [what, time, given, expected] of [
  ['all well', '08:00', {}, '4 serve, 0 lost, 0 unknown: enough'],
  ['one lost', '08:00', { alerts: [lost('m1', '07:55')] }, '3 serve, 1 lost, 0 unknown: enough'],
  [
    'lost twice over',
    '08:00',
    { alerts: [lost('m1', '07:55'), lost('m1', '07:56', null, { rule: 'no-report' })] },
    '3 serve, 1 lost, 0 unknown: enough',
  ],
  ['two lost', '08:00', { alerts: [lost('m1', '07:55'), lost('m2', '08:00')] }, '2 serve, 2 lost, 0 unknown: short'],
  ['before it', '07:54', { alerts: [lost('m1', '07:55'), lost('m2', '07:55')] }, '4 serve, 0 lost, 0 unknown: enough'],
  [
    'after its end',
    '08:00',
    { alerts: [lost('m1', '07:40', '08:00'), lost('m2', '07:40')] },
    '3 serve, 1 lost, 0 unknown: enough',
  ],
  [
    'of another rule',
    '08:00',
    { alerts: [lost('m1', '07:55', null, { rule: 'disk', subject: '/' }), lost('m2', '07:55')] },
    '3 serve, 1 lost, 0 unknown: enough',
  ],
  [
    'a warning',
    '08:00',
    { alerts: [lost('m1', '07:55', null, { severity: 'warning' }), lost('m2', '07:55')] },
    '3 serve, 1 lost, 0 unknown: enough',
  ],
  [
    'of another client',
    '08:00',
    { alerts: [lost('db', '07:55'), lost('m2', '07:55')] },
    '3 serve, 1 lost, 0 unknown: enough',
  ],
  [
    'pending',
    '08:00',
    { alerts: [lost('m1', '07:55', null, { state: 'pending', firingSinceMs: null })] },
    '4 serve, 0 lost, 0 unknown: enough',
  ],
  [
    'by a run under way',
    '08:00',
    { alerts: [lost('m1', '07:55'), lost('m2', '07:55')], unfinished: ['run'] },
    '4 serve, 0 lost, 0 unknown: enough',
  ],
  [
    'ended by a run under way',
    '08:00',
    {
      alerts: [lost('m1', '07:40', '07:58', { sequence: 2 }), lost('m2', '07:40', null, { changedByRun: null })],
      unfinished: ['run'],
    },
    '2 serve, 2 lost, 0 unknown: short',
  ],
  [
    'acknowledged and flapping',
    '08:00',
    { alerts: [lost('m1', '07:55', null, { acknowledgedBy: 'kim', flapping: true }), lost('m2', '07:55')] },
    '2 serve, 2 lost, 0 unknown: short',
  ],
  [
    'critical since a later row',
    '07:56',
    {
      alerts: [
        lost('m1', '07:50', null, { progress: { ...lost('m1', '07:50').progress, severitySinceMs: at('07:57') } }),
      ],
    },
    '4 serve, 0 lost, 0 unknown: enough',
  ],
  ['no report for 15 minutes', '08:15', {}, '4 serve, 0 lost, 0 unknown: enough'],
  ['no report for longer', '08:16', {}, '0 serve, 0 lost, 4 unknown: unclear'],
  ['one without a report', '08:00', { reports: { m4: { newestMs: null } } }, '3 serve, 0 lost, 1 unknown: enough'],
  [
    'one lost and one without a report',
    '08:00',
    { alerts: [lost('m1', '07:55')], reports: { m4: { newestMs: null } } },
    '2 serve, 1 lost, 1 unknown: unclear',
  ],
  [
    'two lost and the others unknown',
    '08:16',
    { alerts: [lost('m1', '07:55'), lost('m2', '08:00')] },
    '0 serve, 2 lost, 2 unknown: short',
  ],
  [
    'within a gap',
    '07:40',
    { reports: { m4: { newestMs: at('08:00'), gaps: [[at('07:00'), at('08:00')]] } } },
    '3 serve, 0 lost, 1 unknown: enough',
  ],
  [
    'at the begin of a gap',
    '07:15',
    { reports: { m4: { newestMs: at('08:00'), gaps: [[at('07:00'), at('08:00')]] } } },
    '4 serve, 0 lost, 0 unknown: enough',
  ],
  [
    'isolated',
    '08:00',
    { alerts: [lost('m1', '07:55'), lost('m2', '07:55')], standIn: isolated(null) },
    '2 serve, 0 lost, 2 unknown: unclear',
  ],
  [
    'after isolation',
    '08:00',
    { alerts: [lost('m1', '07:55'), lost('m2', '07:55')], standIn: isolated('07:59') },
    '2 serve, 2 lost, 0 unknown: short',
  ],
] satisfies readonly (readonly [string, string, Given, string])[]) {
  test(`who serves: ${what}`, () => {
    assert.equal(stateAt(time, given), expected);
  });
}

test('an alert that ends with the isolation, in the runs that confirm it, was never the own of the client', () => {
  const standIn = isolated('07:58');
  const ended = [lost('m1', '07:55', '08:03'), lost('m2', '07:55', '08:03')];
  assert.equal(stateAt('08:00', { alerts: ended, standIn }), '2 serve, 0 lost, 2 unknown: unclear');
  const late = [lost('m1', '07:55', '08:30'), lost('m2', '07:55', '08:30')];
  assert.equal(stateAt('08:00', { alerts: late, standIn }), '2 serve, 2 lost, 0 unknown: short');
});

test('a group that needs all has no effect, and its alert belongs to nobody else', () => {
  assert.deepEqual(
    needingGroups(config).map(({ need }) => need.name),
    ['web'],
  );
  assert.equal(keyed({ client: '', rule: 'group-short' }).about, 'group');
  assert.equal(keyed({ client: 'web', rule: 'group-short' }).about, 'client');
  assert.equal(keyed({ client: '', rule: 'collector-silent' }).about, 'fleet');
  assert.deepEqual(concernedMembers(config, [lost('db', '08:00')]), []);
  assert.deepEqual(concernedMembers(config, [lost('m3', '08:00')]), ['m1', 'm2', 'm3', 'm4']);
  const short = lost('', '08:00', null, { rule: 'group-short', subject: 'web' });
  assert.deepEqual(concernedMembers(config, [short]), ['m1', 'm2', 'm3', 'm4']);
});

const key = { client: '', rule: 'group-short', subject: 'web' };
for (const [what, silence, covers] of [
  ['of the group', { client: '@web', rule: '*', subject: '*' }, true],
  ['of all of its names', { client: 'm*', rule: '', subject: '' }, true],
  ['of everything', { client: '*', rule: '*', subject: '*' }, true],
  ['of the rule', { client: '*', rule: 'group-short', subject: '*' }, true],
  ['of the rule and the group', { client: '@web', rule: 'group-short', subject: '*' }, true],
  ['of the rule and the name', { client: '*', rule: 'group-short', subject: 'web' }, true],
  ['of some members', { client: 'm[1-3]', rule: '*', subject: '*' }, false],
  ['of all but one', { client: 'm*,!m4', rule: '*', subject: '*' }, false],
  ['of a rule of members', { client: '@web', rule: 'unreachable', subject: '*' }, false],
  ['of another group', { client: '@all', rule: '*', subject: '*' }, false],
  ['of another name', { client: '*', rule: 'group-short', subject: 'all' }, false],
] as const) {
  test(`a silence ${what} ${covers ? 'covers' : 'does not cover'} the alert of a group`, () => {
    assert.equal(silenceMatcher(silence, config)(keyed(key)), covers);
  });
}

test('the reason of an eased alert has its numbers', () => {
  const states = openGroupStates({
    ...{ config, alerts: [lost('m1', '07:55')], unfinishedRuns: new Set<string>(), standInFor: () => null },
    reports: new Map(Object.entries(fresh)),
  });
  const [group] = states.groups;
  assert.ok(group);
  assert.equal(
    easedWords({ state: states.at(group, at('08:00')) }),
    'critical, but 3 of 4 of web serve and 3 are needed',
  );
  assert.deepEqual(states.changesOf(group), [at('07:55'), at('08:15') + 1]);
});
