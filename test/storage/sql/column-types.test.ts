import assert from 'node:assert/strict';
import { test } from 'node:test';

import { integerColumns, integerFor, integersAmong, withIntegers } from '../../../src/storage/sql/column-types.ts';

const largest = { TINYINT: 127, INT: 2_147_483_647, BIGINT: Number.MAX_SAFE_INTEGER } as const;

for (const [column, type] of integerColumns) {
  test(`${column} holds what fits, rounded, and nothing else`, () => {
    const most = largest[type];
    const values = [null, 0, most, -most, 0.4, 0.5, 12.5, most + 1, -most - 1, Infinity, NaN];
    assert.deepEqual(
      values.map((value) => integerFor(column, value)),
      [null, 0, most, -most, 0, 1, 13, null, null, null, null],
    );
  });
}

test('a row keeps its texts, its numbers with digits and its unknown values, and its other figures fit', () => {
  const row = { mount: '/', used_percent: 12.5, used_bytes: 12.5, size_bytes: null, unresponsive: 300 };
  assert.deepEqual(withIntegers(row, integersAmong(Object.keys(row))), { ...row, used_bytes: 13, unresponsive: null });
});

test('a column of another kind is no place for an integer', () => {
  assert.throws(() => integerFor('cpu_percent', 1), /cpu_percent is no integer column/);
});
