import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changeIds, forIds } from '../../../src/storage/sql/by-ids.ts';
import { times } from '../../support/times.ts';

test('rows of far more ids than a stack has room for are all returned', async () => {
  const ids = times(200_000, (index) => 2 * index);
  const rows = await forIds('id', ids, (_, values) => Promise.resolve(values));
  assert.equal(rows.length, ids.length);
});

/** Returns the ranges of the statements for ids, `1-16`, and the ids that are named one by one. */
async function statements(ids: readonly number[], isChange = false): Promise<readonly (string | number)[]> {
  const ranges: string[] = [];
  const named: number[] = [];
  const note = (where: string, values: readonly unknown[]): void => {
    if (where === 'id BETWEEN ? AND ?') ranges.push(values.join('-'));
    else {
      assert.match(where, /^id IN \(\?(?:, ?\?)*\)$/);
      named.push(...values.map(Number));
    }
  };
  const change = (where: string, values: readonly unknown[]): Promise<number> => {
    note(where, values);
    return Promise.resolve(1);
  };
  if (isChange) await changeIds('id', ids, change);
  else await forIds('id', ids, async (where, values) => [await change(where, values)]);
  return [...ranges, ...named];
}

const upTo = (count: number, from = 1): readonly number[] => times(count, (index) => from + index);

test('sixteen consecutive ids are one range, fewer are named, each once and in order', async () => {
  assert.deepEqual(await statements([]), []);
  assert.deepEqual(await statements([5, 3, 5, 1]), [1, 3, 5]);
  assert.deepEqual(await statements(upTo(15)), upTo(15));
  assert.deepEqual(await statements([...upTo(16)].reverse()), ['1-16']);
  assert.deepEqual(await statements([...upTo(16), 18, 20]), ['1-16', 18, 20]);
});

test('an answer has a thousand rows of a range at most, and a change has no limit', async () => {
  assert.deepEqual(await statements(upTo(1000)), ['1-1000']);
  assert.deepEqual(await statements(upTo(1020)), ['1-1000', '1001-1020']);
  assert.deepEqual(await statements(upTo(1020), true), ['1-1020']);
});

test('rows of ranges and lists are returned together, and changes are summed up', async () => {
  const rows = await forIds('id', [...upTo(16), 30], (_, values) => Promise.resolve(values.map(Number)));
  assert.deepEqual(rows, [1, 16, 30]);
  assert.equal(await changeIds('id', [...upTo(16), 30], (_, values) => Promise.resolve(values.length)), 3);
});
