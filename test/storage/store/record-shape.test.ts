import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  day,
  flag,
  json,
  number,
  numberOrNull,
  recordShape,
  text,
  textOrNull,
  time,
  timeOrNull,
} from '../../../src/storage/store/record-shape.ts';

test('a field is read from the column of its name, and a time from that without its unit', () => {
  const shape = recordShape({
    cpuModel: textOrNull,
    observedAtMs: time,
    endsAtMs: timeOrNull,
    onMs: day,
    sizeMs: number,
  });
  assert.equal(shape.columns, 'cpu_model, observed_at, ends_at, on, size_ms');
  const row = { cpu_model: 'x', observed_at: '1970-01-01 00:00:01.000', ends_at: null, on: '1970-01-02', size_ms: 5 };
  assert.deepEqual(shape.read(row), { cpuModel: 'x', observedAtMs: 1000, endsAtMs: null, onMs: 86_400_000, sizeMs: 5 });
});

test('NULL is null where a column may be unknown, and never 0 or an empty text', () => {
  assert.deepEqual([textOrNull(null), numberOrNull(null), timeOrNull(null), json(null)], [null, null, null, null]);
  assert.deepEqual([textOrNull(''), numberOrNull(0), timeOrNull('1970-01-01 00:00:00')], ['', 0, 0]);
  assert.deepEqual([text(5), number('5'), json('{"a":1}')], ['5', 5, { a: 1 }]);
  assert.deepEqual([1, 0, null, '1'].map(flag), [true, false, false, false]);
});
