/** The facts of rules by their types, and of the conditions that every client has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyed } from '../../about/support/keyed.ts';
import {
  foreseenBy,
  isByMount,
  isNearlyFull,
  isOfRows,
  listsFaults,
  noFaultText,
  rhythmMs,
  rivalry,
  rowsToRecover,
} from '../../../src/alerter/evaluate/rule-metric.ts';
import type { Rule } from '../../../src/config/config.ts';
import { ruleTypes } from '../../../src/config/vocabulary/rule-types.ts';
import { clientWith } from '../support/config-of.ts';

const [sample] = clientWith('').rules;
assert.ok(sample);
const ofType = (type: Rule['type'], more: Partial<Rule> = {}): Rule => ({ ...sample, origin: 'file', type, ...more });
const condition = (name: string, forCount = 2): Rule => ({
  ...sample,
  origin: 'condition',
  type: null,
  metric: null,
  name,
  forCount,
});
const types = [...ruleTypes.keys()];

test('forecasts are of what their alerts of today are of', () => {
  const foreseen = types.filter((type) => foreseenBy({ type }) !== null);
  assert.deepEqual(
    foreseen.map((type) => [type, foreseenBy({ type }), types.filter((now) => isNearlyFull({ type: now }, { type }))]),
    [
      ['disk-full', 'space', ['disk', 'disk-free']],
      ['inodes-full', 'inodes', ['inodes']],
    ],
  );
  for (const type of foreseen) assert.equal(isNearlyFull({ type: null }, { type }), false);
  assert.equal(isNearlyFull({ type: 'disk' }, { type: null }), false);
});

test('rules are evaluated with the rows, once a day, or once an hour', () => {
  const config = { collector: { everyMs: 300_000 } } as Parameters<typeof rhythmMs>[1];
  const rhythms = new Map(types.map((type) => [type, rhythmMs({ type }, config)]));
  assert.deepEqual(
    [...rhythms].filter(([, ms]) => ms !== 300_000),
    [
      ['disk-full', 86_400_000],
      ['inodes-full', 86_400_000],
      ['outlier', 3_600_000],
      ['event', 60_000],
    ],
  );
  assert.deepEqual([rhythmMs(null, config), rhythmMs({ type: null }, config)], [300_000, 300_000]);
});

test('rules compete by type, else by metric, else by name', () => {
  const names = [ofType('disk'), ofType(null, { metric: 'cpu_percent' }), condition('unreachable')].map(rivalry);
  assert.deepEqual(names, ['disk', 'metric cpu_percent', 'condition unreachable']);
});

const faults: readonly (readonly [rule: Rule, lists: boolean, text: string])[] = [
  [ofType('service', { state: 'failed' }), true, 'not failed any more'],
  [ofType('service', { state: 'active' }), false, 'not failed any more'],
  [condition('probe-failed'), true, 'works again'],
  [condition('mount-missing'), true, 'mounted'],
  [condition('check-untrusted'), true, 'no longer refused'],
  [condition('unreachable'), false, 'no longer listed'],
  [ofType(null, { metric: 'failed_unit_failed' }), true, 'no longer listed'],
  [ofType('disk', { name: 'probe-failed' }), false, 'works again'],
];
for (const [rule, lists, text] of faults) {
  test(`${rule.origin} ${rule.type ?? rule.name} ${rule.state ?? ''} ${lists ? 'lists' : 'does not list'} faults`, () => {
    assert.deepEqual([listsFaults(rule), noFaultText(rule)], [lists, text]);
  });
}

const recoveries: readonly (readonly [rule: Rule, rows: number])[] = [
  [ofType('event'), 1],
  [ofType('disk'), 2],
  [ofType('disk', { name: 'reboots' }), 2],
  [condition('host-key-changed'), 1],
  [condition('not-trusted'), 1],
  [condition('reboots'), 1],
  [condition('unreachable', 1), 1],
  [condition('unreachable', 2), 2],
  [condition('probe-failed', 1), 2],
];
for (const [rule, rows] of recoveries) {
  test(`${rule.origin} ${rule.type ?? rule.name} of ${rule.forCount} recovers after ${rows}`, () => {
    assert.equal(rowsToRecover(rule), rows);
  });
}

test('alerts of the fleet and of silence follow from no rows; subjects of some types are mounts', () => {
  const found = [
    { client: 'web-1', rule: 'disk' },
    { client: '', rule: 'collector-silent' },
    { client: 'web-1', rule: 'no-report' },
  ].map((key) => isOfRows(keyed(key)));
  assert.deepEqual(found, [true, false, false]);
  for (const [type, isMount] of [
    ['disk', true],
    ['inodes', true],
    ['cpu', false],
    [null, false],
  ] as const) {
    assert.equal(isByMount({ type }), isMount, String(type));
  }
});
