/** The families of Prometheus that follow from columns of reports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { families } from '../../../src/look/metrics/families.ts';
import { figures } from '../../../src/look/metrics/figures.ts';
import { statsFigures } from '../../../src/report/metrics.ts';

test('each figure whose entry names a family is this family, and no name is there twice', () => {
  const named = Object.entries(statsFigures).flatMap(([column, { exported }]) =>
    exported === null ? [] : [`${column} ${exported}`],
  );
  const ofStats = figures.filter(({ table, column }) => table === 'stats' && column !== 'clock_offset_ms');
  assert.deepEqual(
    ofStats.map(({ column, name }) => `${column} ${name}`),
    named,
  );
  const names = families.map(({ name }) => name);
  assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted());
});
