/** Values, limits and levels of rules, in words and as decisions: one row for each unit and comparison. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describeFree, describeLimit, formatLimit, formatValue } from '../../../src/alerter/evaluate/describe-value.ts';
import { ruleLimits } from '../../../src/alerter/evaluate/rule-limits.ts';
import { numberRule, numberSample, stateSample } from '../../../src/alerter/evaluate/sample.ts';
import type { Rule } from '../../../src/config/config.ts';
import type { Unit } from '../../../src/report/metrics.ts';
import { clientWith } from '../support/config-of.ts';

/** A value of every unit, with its words as a value and as a limit. */
const units: Readonly<Record<Unit, readonly [value: number, words: string, asLimit: string]>> = {
  percent: [96.1234, '96.1 %', '96.1234 %'],
  bytes: [1.61234 * 2 ** 30, '1.61 GiB', '1.61234 GiB'],
  bytes_per_second: [1.61234 * 2 ** 20, '1.61 MiB/s', '1.61234 MiB/s'],
  per_second: [0.12345, '0.12/s', '0.12345/s'],
  seconds: [1.23456, '1.2s', '1.2346s'],
  milliseconds: [12.3456, '12 ms', '12.346 ms'],
  celsius: [70.1234, '70.1 °C', '70.1234 °C'],
  load: [2.12345, '2.12', '2.12345'],
  count: [3.4567, '3', '3.457'],
  total: [3.6, '4', '3.6'],
  flag: [1, '1', '1'],
};
for (const [unit, [value, words, asLimit]] of Object.entries(units) as [Unit, (typeof units)[Unit]][]) {
  test(`${unit} is ${words}, as a limit ${asLimit}`, () => {
    assert.equal(formatValue(unit, value), words);
    assert.equal(formatLimit(unit, value), asLimit);
  });
}

test('free space names its unit once, unless that of the size differs', () => {
  const [gib, mib] = [2 ** 30, 2 ** 20];
  assert.equal(describeFree(4 * gib, 100 * gib), '4 of 100 GiB free');
  assert.equal(describeFree(500 * mib, 100 * gib), '500 MiB of 100 GiB free');
  assert.equal(describeFree(0, 0), '0 of 0 B free');
});

const ofType = (type: string, more = ''): Rule => {
  const rule = clientWith(`<alert name="own" type="${type}" ${more}/>`).rules.find(({ name }) => name === 'own');
  assert.ok(rule);
  return rule;
};
const load = ofType('load', 'limit="5"');
const withFree = 'at least 90 % and less than 3 GiB free';
const between = { warning: null, critical: null } as const;

/** The words of a limit for each severity: a severity without a limit names the other one. */
const limits: readonly (readonly [rule: Rule, warning: string, critical: string])[] = [
  [ofType('disk', 'warning="90%" critical="95%"'), 'at least 90 %', 'at least 95 %'],
  [ofType('disk', 'limit="90%" severity="warning"'), 'at least 90 %', 'at least 90 %'],
  [ofType('disk', 'limit="90%" severity="critical"'), 'at least 90 %', 'at least 90 %'],
  [ofType('disk', 'limit="90%" free="3GiB"'), withFree, withFree],
  [load, 'at least 5 per CPU', 'at least 5 per CPU'],
  [{ ...load, op: 'gt' }, 'more than 5 per CPU', 'more than 5 per CPU'],
  [{ ...load, op: 'le' }, 'at most 5 per CPU', 'at most 5 per CPU'],
  [{ ...load, op: 'lt' }, 'less than 5 per CPU', 'less than 5 per CPU'],
  [{ ...load, op: 'eq' }, 'exactly 5 per CPU', 'exactly 5 per CPU'],
  [{ ...load, op: 'ne' }, 'other than 5 per CPU', 'other than 5 per CPU'],
  [{ ...load, ...between, min: 1, max: null }, 'fewer than 1', 'fewer than 1'],
  [{ ...load, ...between, min: null, max: 3 }, 'more than 3', 'more than 3'],
  [{ ...load, ...between, min: 1, max: 3 }, 'fewer than 1 or more than 3', 'fewer than 1 or more than 3'],
  [{ ...load, ...between }, '', ''],
];
for (const [rule, warning, critical] of limits) {
  test(`limit of ${rule.type ?? ''}: ${critical || 'none'}`, () => {
    assert.deepEqual([describeLimit(rule, 'warning'), describeLimit(rule, 'critical')], [warning, critical]);
  });
}

/** Returns the level of a value, and `c` if it is clear of the rule, `e` if it is clear of critical: `none ce`. */
function at(rule: Rule, value: number): string {
  const { levelOf, isClear, isEased } = ruleLimits(rule);
  return `${levelOf(value)} ${isClear(value) ? 'c' : ''}${isEased(value) ? 'e' : ''}`.trim();
}

const rising: Rule = { ...load, warning: 80, critical: 90, clear: 75, op: 'ge' };
const falling: Rule = { ...load, warning: 20, critical: 10, clear: 25, op: 'lt' };
const oneCritical: Rule = { ...load, warning: null, critical: 90, clear: null, op: 'ge' };
const oneWarning: Rule = { ...load, warning: 80, critical: null, clear: null, op: 'gt' };
const atLeast: Rule = { ...load, ...between, min: 1, max: 3, severity: 'critical' };
/** Values at the limits, and just beside them. */
const levels: readonly (readonly [what: string, rule: Rule, values: readonly (readonly [number, string])[]])[] = [
  [
    'a rising value',
    rising,
    [
      [90, 'critical'],
      [89.9, 'warning'],
      [85, 'warning'],
      [84.9, 'warning e'],
      [80, 'warning e'],
      [79.9, 'none e'],
      [75, 'none e'],
      [74.9, 'none ce'],
    ],
  ],
  [
    'a falling value',
    falling,
    [
      [9.9, 'critical'],
      [10, 'warning'],
      [14.9, 'warning'],
      [15, 'warning e'],
      [20, 'none e'],
      [24.9, 'none e'],
      [25, 'none ce'],
    ],
  ],
  [
    'a critical level alone',
    oneCritical,
    [
      [90, 'critical'],
      [89.9, 'none ce'],
    ],
  ],
  [
    'a warning alone',
    oneWarning,
    [
      [80, 'none ce'],
      [80.1, 'warning e'],
    ],
  ],
  [
    'two sides',
    atLeast,
    [
      [0, 'critical'],
      [1, 'none ce'],
      [3, 'none ce'],
      [4, 'critical'],
    ],
  ],
  [
    'one side',
    { ...atLeast, max: null },
    [
      [0, 'critical'],
      [99, 'none ce'],
    ],
  ],
  [
    'the other side',
    { ...atLeast, min: null },
    [
      [-9, 'none ce'],
      [4, 'critical'],
    ],
  ],
  [
    'a warning on two sides',
    { ...atLeast, severity: 'warning' },
    [
      [0, 'warning e'],
      [2, 'none ce'],
    ],
  ],
];
for (const [what, rule, values] of levels) {
  test(`levels of ${what}`, () =>
    assert.deepEqual(
      values.map(([value]) => [value, at(rule, value)]),
      values,
    ));
}

/** Samples of a value and a second condition: `true` if that holds too, `null` if it is unknown. */
type Both = readonly [value: number | null, both: boolean | null, level: string, clear: boolean, eased: boolean];
const both: readonly Both[] = [
  [95, true, 'critical', false, false],
  [95, false, 'none', true, true],
  [95, null, 'unknown', false, false],
  [85, false, 'none', true, true],
  [85, null, 'unknown', false, false],
  [70, true, 'none', true, true],
  [70, false, 'none', true, true],
  [70, null, 'none', true, true],
  [77, null, 'none', false, true],
  [null, true, 'unknown', false, false],
];
for (const [value, second, level, clear, eased] of both) {
  test(`a value of ${value ?? 'nothing'} whose second condition is ${second ?? 'unknown'} is ${level}`, () => {
    const sample = numberSample(numberRule({ ...rising, warning: 80 }), '', value, null, second);
    assert.deepEqual([sample.level, sample.clear, sample.eased], [level, clear, eased]);
  });
}

test('a state is clear where it is no fault, and eased where it is not critical', () => {
  const of = (level: 'none' | 'warning' | 'critical' | 'unknown') => {
    const { clear, eased, value, limitText, pauseMs } = stateSample(load, 'x', level, 'y');
    assert.deepEqual([value, limitText, pauseMs], [null, '', 0]);
    return [clear, eased];
  };
  assert.deepEqual(of('none'), [true, true]);
  assert.deepEqual(of('warning'), [false, true]);
  assert.deepEqual(of('critical'), [false, false]);
});
