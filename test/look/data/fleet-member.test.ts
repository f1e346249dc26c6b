import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Client } from '../../../src/config/config.ts';
import { beyondLimit, fleetMember, type FleetMember, sortMembers } from '../../../src/look/data/fleet-member.ts';
import type { Rule } from '../../../src/config/config.ts';

function rule(overrides: Partial<Rule>): Rule {
  const limits = { op: 'ge', warning: 85, critical: 95, clear: null, freeBytes: null };
  return { name: 'disk', type: 'disk', selectors: {}, ...limits, ...overrides } as Rule;
}

const cases: readonly {
  readonly title: string;
  readonly rules: readonly Rule[];
  readonly value: number | null;
  readonly expected: string | null;
}[] = [
  { title: 'below', rules: [rule({})], value: 84.9, expected: null },
  { title: 'at the warning', rules: [rule({})], value: 85, expected: 'warning' },
  { title: 'at the critical', rules: [rule({})], value: 95, expected: 'critical' },
  { title: 'unknown is no value', rules: [rule({})], value: null, expected: null },
  { title: 'only a critical limit', rules: [rule({ warning: null })], value: 90, expected: null },
  {
    title: 'another operator',
    rules: [rule({ op: 'lt', warning: null, critical: 10 })],
    value: 9,
    expected: 'critical',
  },
  {
    title: 'a rule for one mount says nothing about the client',
    rules: [rule({ selectors: { mount: '/var' } })],
    value: 99,
    expected: null,
  },
  { title: 'a rule of another type', rules: [rule({ type: 'inodes' })], value: 99, expected: null },
  {
    title: 'with free="..." both must hold, and one is not known here',
    rules: [rule({ freeBytes: 1 })],
    value: 99,
    expected: null,
  },
  {
    title: 'the first rule of a type evaluates',
    rules: [rule({ warning: 99, critical: null }), rule({})],
    value: 97,
    expected: null,
  },
];

for (const { title, rules, value, expected } of cases) {
  test(title, () => {
    assert.equal(beyondLimit(rules, 'disk', value), expected);
  });
}

test('a client that pushes is late after three times its own interval', () => {
  const seen = { lastVisitAtMs: 0, consecutiveFailures: 0, lastReportAtMs: 0 } as FleetMember['known'];
  const arrivalOf = (everyMs: number | null): Client['arrival'] =>
    everyMs === null ? { kind: 'local' } : { kind: 'comes', everyMs };
  const stateOf = (pushEveryMs: number | null, nowMs: number) =>
    fleetMember(
      { name: 'a', address: 'a', labels: {}, groups: [], state: 'active', rules: [], arrival: arrivalOf(pushEveryMs) },
      seen,
      [],
      {
        ...{ nowMs, everyMs: 10, forecasts: new Map() },
      },
    ).state;
  assert.deepEqual(
    [stateOf(null, 30), stateOf(null, 31), stateOf(5, 30), stateOf(5, 31)],
    ['ok', 'late', 'ok', 'late'],
  );
  assert.deepEqual([stateOf(100, 300), stateOf(100, 301)], ['ok', 'late']);
});

const known = (memoryPercent: number | null): FleetMember['known'] => ({ memoryPercent }) as FleetMember['known'];
const fullIn = (daysLeft: number): FleetMember['fullIn'] => ({ daysLeft, mount: '/', kind: 'space' });
const member = (client: string, options: Partial<FleetMember> = {}): FleetMember => ({
  ...{
    client,
    address: client,
    labels: {},
    groups: [],
    state: 'ok',
    known: null,
    reportAgeMs: null,
    openAlerts: 0,
    worstAlert: null,
  },
  beyond: { cpu: null, memory: null, disk: null },
  fullIn: null,
  ...options,
});

test('the worst stands first: alerts, then states, then nearness to a limit, then names', () => {
  const members = [
    member('retired', { state: 'retired' }),
    member('web-10'),
    member('web-2'),
    member('full', { known: known(80) }),
    member('full-later', { fullIn: fullIn(80) }),
    member('full-in-20', { fullIn: fullIn(20) }),
    member('full-in-2', { fullIn: fullIn(2) }),
    member('at-limit', { beyond: { cpu: 'warning', memory: null, disk: null } }),
    member('new', { state: 'new' }),
    member('late', { state: 'late' }),
    member('paused', { state: 'paused' }),
    member('failing', { state: 'failing' }),
    member('warned', { worstAlert: 'warning', openAlerts: 1 }),
    member('critical-ok', { worstAlert: 'critical', openAlerts: 9, known: known(99) }),
    member('critical', { worstAlert: 'critical', openAlerts: 1, state: 'failing' }),
  ];
  const names = (by: Parameters<typeof sortMembers>[1]): string =>
    sortMembers(members, by)
      .map(({ client }) => client)
      .join(' ');
  assert.equal(
    names('urgency'),
    'critical critical-ok warned failing late new full-in-2 full-in-20 at-limit full full-later web-2 web-10 ' +
      'paused retired',
  );
  assert.ok(names('name').startsWith('at-limit critical critical-ok failing'));
  const alike = [member('web-1'), member('WEB-1')];
  assert.deepEqual(sortMembers(alike, 'name'), sortMembers(alike.toReversed(), 'name'), 'names apart from their case');
  assert.ok(names('memory').startsWith('critical-ok full at-limit'), 'unknown ones last');
});
