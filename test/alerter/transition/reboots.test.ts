import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareSeverity } from '../../../src/alerter/transition/compare-severity.ts';
import { bootsAfter, rebootsSample } from '../../../src/alerter/transition/reboots.ts';
import { times } from '../../support/times.ts';
import { clientWith } from '../support/config-of.ts';

const minuteMs = 60_000;
const [rule] = clientWith('').rules.filter(({ name }) => name === 'reboots');
assert.ok(rule);

test('boots of less than an hour are remembered, sixty of them', () => {
  assert.deepEqual(bootsAfter([0, 1, minuteMs], 60 * minuteMs, false), [1, minuteMs]);
  assert.deepEqual(bootsAfter([0], 60 * minuteMs, true), [60 * minuteMs]);
  // A report whose clock was ahead is no boot for ever.
  assert.deepEqual(bootsAfter([60 * minuteMs, 59 * minuteMs], 0, false), [59 * minuteMs]);
  assert.deepEqual(
    bootsAfter(
      times(60, (index) => index),
      60,
      true,
    ),
    times(60, (index) => index + 1),
  );
});

const counts: readonly (readonly [boots: number, text: string, isFault: boolean, isClear: boolean])[] = [
  [0, 'no boot for an hour', false, true],
  [1, '1 boot within an hour', false, false],
  [3, '3 boots within an hour', false, false],
  [4, '4 boots within an hour', true, false],
  [5, '5 boots within an hour', true, false],
];
for (const [boots, text, isFault, isClear] of counts) {
  test(`${text}: ${isFault ? 'a fault' : 'none'}`, () => {
    const { valueText, level, clear } = rebootsSample(
      rule,
      times(boots, (index) => index),
    );
    assert.deepEqual([valueText, level !== 'none', clear], [text, isFault, isClear]);
  });
}

test('critical goes before warning', () => {
  assert.deepEqual((['warning', 'critical', 'warning', 'critical'] as const).toSorted(compareSeverity), [
    ...['critical', 'critical', 'warning', 'warning'],
  ]);
});
