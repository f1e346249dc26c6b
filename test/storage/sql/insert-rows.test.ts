import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sqliteDialect } from '../../../src/storage/dialects/sqlite/dialect.ts';
import { forChunks, insertRows, mergeRows } from '../../../src/storage/sql/insert-rows.ts';
import type { Session, SqlValue } from '../../../src/storage/sql/database.ts';

interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

function recorder(maxBatchBytes: number): { readonly session: Session; readonly statements: Statement[] } {
  const statements: Statement[] = [];
  const session: Session = {
    dialect: sqliteDialect,
    maxBatchBytes,
    run: (sql, values = []) => {
      statements.push({ sql, values });
      return Promise.resolve(0);
    },
    all: () => Promise.resolve([]),
  };
  return { session, statements };
}

const bytesOf = (values: readonly SqlValue[]): number =>
  values.reduce<number>((sum, value) => {
    if (value instanceof Uint8Array) return sum + value.length;
    return sum + (typeof value === 'string' ? Buffer.byteLength(value) : 8);
  }, 0);

for (const { what, count, textBytes, maxBytes, sealed = false } of [
  { what: 'many small rows', count: 1000, textBytes: 10, maxBytes: 1_000_000 },
  { what: 'rows that fill a statement', count: 500, textBytes: 60_000, maxBytes: 262_144 },
  { what: 'sealed rows that fill a statement', count: 500, textBytes: 60_000, maxBytes: 262_144, sealed: true },
  { what: 'rows of which one fills a statement', count: 9, textBytes: 262_144, maxBytes: 262_144 },
  { what: 'rows of which one is beyond it, and below the packet', count: 5, textBytes: 900_000, maxBytes: 262_144 },
] as const) {
  test(`${what}: all are sent, in order, and no statement is too large`, async () => {
    const { session, statements } = recorder(maxBytes);
    const text = 'ä'.repeat(textBytes / 2);
    const rows = Array.from({ length: count }, (_, index) => ({ a: index, b: sealed ? Buffer.from(text) : text }));
    await insertRows(session, 't', rows);
    const sent = statements.flatMap(({ values }) => values.filter((value) => typeof value === 'number'));
    assert.deepEqual(
      sent,
      rows.map(({ a }) => a),
    );
    for (const { values } of statements) assert.ok(bytesOf(values) <= maxBytes || values.length === 2);
    assert.ok(new Set(statements.map(({ sql }) => sql)).size <= 4, 'few texts, each prepared once');
  });
}

test('a row that no packet can carry is refused before it is sent', async () => {
  const { session, statements } = recorder(1000);
  await assert.rejects(insertRows(session, 't', [{ a: 1, b: 'x'.repeat(4001) }]), { kind: 'refused' });
  assert.deepEqual(statements, []);
});

test('values never stand in the text', async () => {
  const { session, statements } = recorder(1000);
  await insertRows(session, 't', [{ a: 1, b: "'); DROP TABLE t; --" }]);
  assert.deepEqual(statements, [{ sql: 'INSERT INTO t (a, b) VALUES (?, ?)', values: [1, "'); DROP TABLE t; --"] }]);
  await assert.rejects(insertRows(session, 't', [{ 'a) VALUES (1); --': 1 }]), TypeError);
  assert.equal(statements.length, 1);
});

test('no statement holds a key twice, and rows of one key go in their order', async () => {
  const { session, statements } = recorder(1_000_000);
  const names = ['x', 'y', 'x', 'x', 'z', 'y', 'x'];
  const rows = names.map((name, n) => ({ name, part: name === 'z' ? null : '', n }));
  await mergeRows(session, 't', ['name', 'part'], rows, (incoming) => [`n = ${incoming('n')}`]);
  for (const { values } of statements) {
    const keys = values.filter((value) => typeof value === 'string' && value !== '');
    assert.equal(new Set(keys).size, keys.length, keys.join());
  }
  const numbers = statements.flatMap(({ values }) => values.filter((value) => typeof value === 'number'));
  assert.deepEqual(numbers, [0, 1, 4, 2, 5, 3, 6]);
  assert.ok(statements.every(({ sql }) => sql.endsWith('ON CONFLICT (name, part) DO UPDATE SET n = excluded.n')));
});

test('a long list is asked for in chunks of few sizes, each value once', async () => {
  const list = Array.from({ length: 700 }, (_, index) => index);
  const sizes = new Set<number>();
  const seen = await forChunks(list, (chunk, marks) => {
    sizes.add(chunk.length);
    assert.equal(marks.split('?').length - 1, chunk.length);
    return Promise.resolve(chunk);
  });
  assert.deepEqual(seen, list);
  assert.ok(sizes.size <= 5);
  assert.deepEqual(await forChunks([], () => Promise.reject(new Error('asked'))), []);
});
