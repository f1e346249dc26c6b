import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forIds } from '../../../src/storage/sql/by-ids.ts';
import { times } from '../../support/times.ts';

test('rows of far more ids than a stack has room for are all returned', async () => {
  const ids = times(200_000, (index) => 2 * index);
  const rows = await forIds('id', ids, (_, values) => Promise.resolve(values));
  assert.equal(rows.length, ids.length);
});
