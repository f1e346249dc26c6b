import assert from 'node:assert/strict';
import { test } from 'node:test';

import { benchForecast } from '../../bench/forecast.ts';

test('the estimator that is used is right more often than lines are', async () => {
  const { figures } = await benchForecast({ quick: true, say: () => undefined });
  const median = (name: string): number => figures.find((figure) => figure.name === name)?.ours?.median ?? NaN;
  for (const set of ['chosen', 'other']) {
    for (const line of ['least-squares-14', 'least-squares-30', 'theil-sen-14', 'ours-at-first']) {
      assert.ok(median(`forecast-${set}-false-ours`) <= median(`forecast-${set}-false-${line}`), `${set} ${line}`);
    }
  }
  assert.equal(median('forecast-chosen-false-ours'), 0);
  assert.ok(median('forecast-chosen-caught-ours') > 99);
  assert.ok(median('forecast-other-caught-ours') > 75);
});
