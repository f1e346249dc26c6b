/** Rows of two databases in one order and one form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  compareKeys,
  isOrderedAlike,
  keyOfRow,
  neutralRow,
  type RowKey,
  rowsAfter,
} from '../../../src/storage/copy/table-rows.ts';
import type { Session, SqlRow, SqlValue } from '../../../src/storage/sql/database.ts';
import type { Table } from '../../../src/storage/sql/tables.ts';

const table: Table = { name: 'things', key: ['client', 'n'], times: ['at'], json: ['facts'] };

/** Keys in the order of both databases: numbers by value, text by its UTF-8. */
const ordered: readonly (readonly [lower: RowKey, higher: RowKey])[] = [
  [[9], [10]],
  [[-1], [0]],
  [['B'], ['a']],
  [['a'], ['aa']],
  [['z'], ['é']],
  [['\uffff'], ['😀']],
  [
    ['a', 9],
    ['a', 10],
  ],
  [
    ['a', 10],
    ['b', 9],
  ],
];
for (const [lower, higher] of ordered) {
  test(`${JSON.stringify(lower)} comes before ${JSON.stringify(higher)}`, () => {
    assert.ok(compareKeys(lower, higher) < 0 && compareKeys(higher, lower) > 0);
    assert.equal(compareKeys(lower, [...lower]), 0);
  });
}

test('control characters alone are ordered otherwise on one database', () => {
  for (const key of [['a b'], ['é', 1], ['a~'], [1, null]]) assert.ok(isOrderedAlike(key), JSON.stringify(key));
  for (const key of [['a\tb'], [1, '\0'], ['a\x7f'], ['\x1f', 'b']])
    assert.ok(!isOrderedAlike(key), JSON.stringify(key));
});

/** Rows of the two databases that hold the same values, by what differs. */
const same: Readonly<Record<string, readonly [SqlRow, SqlRow]>> = {
  'the order of the columns': [
    { a: 1, b: 'x' },
    { b: 'x', a: 1 },
  ],
  'the sixteenth digit of a figure': [{ a: 0.9999999999999999 }, { a: 1 }],
  'a figure next to nothing': [{ a: 1.5e-300 }, { a: 0 }],
  'the members of JSON, also in lists': [
    { facts: '{"b": 1, "a": [{"d": 2, "c": null}]}' },
    { facts: '{"a":[{"c":null,"d":2}],"b":1}' },
  ],
  'NUL in a text': [{ a: 'x\0y' }, { a: 'x\ufffdy' }],
  'the class of bytes': [{ a: Buffer.from('ab') }, { a: new Uint8Array([97, 98]) }],
};
for (const [what, [one, other]] of Object.entries(same)) {
  test(`rows are equal whatever ${what}`, () => assert.equal(neutralRow(table, one), neutralRow(table, other)));
}

const different: readonly (readonly [SqlRow, SqlRow])[] = [
  [{ a: 1 }, { a: 2 }],
  [{ a: 2 ** 53 }, { a: 2 ** 53 - 1 }],
  [{ a: 0.1 }, { a: 0.10000000000001 }],
  [{ a: 1e-15 }, { a: 0 }],
  [{ a: 1 }, { a: '1' }],
  [{ a: null }, { a: '' }],
  [{ a: Buffer.from('ab') }, { a: 'ab' }],
  [{ a: Buffer.from('ab') }, { a: Buffer.from('ac') }],
  [{ a: '{"b":1,"a":1}' }, { a: '{"a":1,"b":1}' }],
  [{ facts: '[1,2]' }, { facts: '[2,1]' }],
  [{ facts: '{"a":1}' }, { facts: '{"a":"1"}' }],
  [{ facts: '{}' }, { facts: '[]' }],
];
for (const [one, other] of different) {
  test(`${JSON.stringify(one)} is not ${JSON.stringify(other)}`, () => {
    assert.notEqual(neutralRow(table, one), neutralRow(table, other));
  });
}

test('a key is the values of its columns, null for one that is missing', () => {
  assert.deepEqual(keyOfRow(table, { n: 3, at: 'x', client: 'web-1' }), ['web-1', 3]);
  assert.deepEqual(keyOfRow(table, { client: 'web-1' }), ['web-1', null]);
});

/** Returns a session that answers each statement with rows, and the statements that it was asked with their values. */
function answering(...answers: readonly (readonly SqlRow[])[]) {
  const asked: (readonly [sql: string, values: readonly SqlValue[]])[] = [];
  const all = (sql: string, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> => {
    asked.push([sql.replace(/\s+/g, ' '), values]);
    return Promise.resolve(answers[asked.length - 1] ?? []);
  };
  return { session: { all } as unknown as Session, asked };
}

test('a page begins after a key, within its first columns, and goes on with the next of them', async () => {
  const [one, two] = [
    { client: 'b', n: 3 },
    { client: 'c', n: 1 },
  ];
  const { session, asked } = answering([one], [two]);
  assert.deepEqual(await rowsAfter(session, table, ['b', 2], 5), [one, two]);
  assert.deepEqual(asked, [
    ['SELECT * FROM things WHERE client = ? AND n > ? ORDER BY client, n LIMIT ?', ['b', 2, '5']],
    ['SELECT * FROM things WHERE client > ? ORDER BY client, n LIMIT ?', ['b', '4']],
  ]);
  const full = answering([one]);
  assert.deepEqual(await rowsAfter(full.session, table, ['b', 2], 1), [one]);
  assert.equal(full.asked.length, 1, 'a page that is full asks for no more');
  const first = answering([one]);
  await rowsAfter(first.session, table, null, 9);
  assert.deepEqual(first.asked, [['SELECT * FROM things ORDER BY client, n LIMIT ?', ['9']]]);
});

test('times without milliseconds get them, and no other column does', async () => {
  const time = '2026-11-20 10:00:00';
  const { session } = answering([
    { at: time, text: time },
    { at: `${time}.120`, text: '' },
    { at: null, text: '' },
  ]);
  const rows = await rowsAfter(session, table, null, 9);
  assert.deepEqual(rows, [
    { at: `${time}.000`, text: time },
    { at: `${time}.120`, text: '' },
    { at: null, text: '' },
  ]);
});
