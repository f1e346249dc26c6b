import assert from 'node:assert/strict';
import { test } from 'node:test';

import { firingAt, rowsOfFor } from '../../../src/alerter/tune/predict.ts';
import { clientWith } from '../support/config-of.ts';
import { everyMs, pastAlerts, ruleOf } from './support/past-alerts.ts';

/** Returns the numbers of the alerts that would fire at each `for`, by bad rows and the good rows before them. */
function firing(
  alert: string,
  series: readonly (readonly [good: number, bad: number])[],
  rows: readonly number[],
): readonly string[] {
  const rule = ruleOf(clientWith(alert));
  const alerts = pastAlerts(rule, series);
  return rows.map((count) => {
    const fired = firingAt(alerts, rule, { rows: count, everyMsOf: () => everyMs });
    return alerts.flatMap((one, index) => (fired.has(one) ? [index] : [])).join(' ');
  });
}

const memory = '<alert type="memory" limit="90%"/>';
const apart = 40;

test('as many bad rows fire as `for` needs, whichever rule it is', () => {
  const series = [1, 2, 3, 4, 12].map((bad) => [apart, bad] as const);
  const expected = ['0 1 2 3 4', '1 2 3 4', '2 3 4', '3 4', '4', ''];
  for (const alert of [memory, '<alert type="service"/>', '<alert name="unreachable" for="2x"/>'])
    assert.deepEqual(firing(alert, series, [1, 2, 3, 4, 12, 13]).slice(0, 4), expected.slice(0, 4), alert);
  assert.deepEqual(firing(memory, series, [12, 13]), ['4', '']);
});

test('a value that is bad in half of its rows fires at a `for` of up to 6 rows, unless it must not flap', () => {
  const often = [2, 2, 2].map((bad, index) => [index === 0 ? apart : 2, bad] as const);
  assert.deepEqual(firing(memory, often, [3, 6, 7]), ['2', '2', '']);
  assert.deepEqual(firing('<alert type="memory" limit="90%" flapping="no"/>', often, [3]), ['']);
  // `unreliable` tells it instead.
  assert.deepEqual(firing('<alert name="unreachable" for="2x"/>', often, [7]), ['2']);
});

test('`for` counts rows, or their time and one more', () => {
  const rows = ['2x', '10m', '1h'].map((span) =>
    rowsOfFor(ruleOf(clientWith(`<alert type="memory" limit="90%" for="${span}"/>`)), everyMs),
  );
  assert.deepEqual(rows, [2, 3, 13]);
});
