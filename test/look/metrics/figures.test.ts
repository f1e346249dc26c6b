/** The families of Prometheus that follow from columns of reports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { figures } from '../../../src/look/metrics/figures.ts';
import { metrics } from '../../../src/report/metrics.ts';

test('each figure that has a column of stats is a family', () => {
  const exported = new Set(figures.flatMap(({ table, column }) => (table === 'stats' ? column : [])));
  const columns = metrics.flatMap(({ column }) => column ?? []);
  assert.deepEqual(
    columns.filter((column) => !exported.has(column)),
    // The time of the averages, and a number on which nobody has a limit by default.
    ['interval_s', 'processes'],
  );
});
