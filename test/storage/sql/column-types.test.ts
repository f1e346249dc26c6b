import assert from 'node:assert/strict';
import { test } from 'node:test';

import { integerColumns, integerFor, type IntegerColumn } from '../../../src/storage/sql/column-types.ts';

const largest = { TINYINT: 127, INT: 2_147_483_647, BIGINT: Number.MAX_SAFE_INTEGER } as const;

for (const column of Object.keys(integerColumns) as IntegerColumn[]) {
  test(`${column} holds what fits, rounded, and nothing else`, () => {
    const most = largest[integerColumns[column]];
    const values = [null, 0, most, -most, 0.4, 0.5, 12.5, most + 1, -most - 1, Infinity, NaN];
    assert.deepEqual(
      values.map((value) => integerFor(column, value)),
      [null, 0, most, -most, 0, 1, 13, null, null, null, null],
    );
  });
}
