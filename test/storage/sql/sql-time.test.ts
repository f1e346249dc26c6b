import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fromSqlTime, sqlTime, sqlTimeOrNull } from '../../../src/storage/sql/sql-time.ts';

test('times of four-digit years are written in UTC to the millisecond, and read as they were', () => {
  for (const timeMs of [0, 1, 999, Date.UTC(2026, 10, 20, 10), Date.UTC(9999, 11, 31, 23, 59, 59, 999), -1]) {
    assert.equal(fromSqlTime(sqlTime(timeMs)), timeMs);
    assert.equal(sqlTimeOrNull(timeMs), sqlTime(timeMs));
  }
  assert.equal(sqlTime(Date.UTC(2026, 1, 3, 4, 5, 6, 7)), '2026-02-03 04:05:06.007');
  assert.equal(fromSqlTime('2026-02-03 04:05:06'), Date.UTC(2026, 1, 3, 4, 5, 6));
});

test('a time that no column holds is refused, and what is no time is null', () => {
  for (const timeMs of [Date.UTC(10_000, 0), Date.UTC(-1, 0), NaN, 9e15])
    assert.throws(() => sqlTime(timeMs), RangeError);
  for (const value of [null, undefined, 5, '', 'yesterday', '2026-13-01 00:00:00'])
    assert.equal(fromSqlTime(value), null);
  assert.equal(sqlTimeOrNull(null), null);
});
