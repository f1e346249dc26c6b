/** Databases differ in where they sort NULL. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { openSqlite } from '../../../src/platform/sqlite.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';

const root = path.join(import.meta.dirname, '..', '..', '..', 'src', 'storage');

/** Returns the columns that are nullable in some table. */
function nullableColumns(): ReadonlySet<string> {
  const database = openSqlite(':memory:');
  for (const { steps } of readMigrations('sqlite')) for (const step of steps) database.exec(step);
  const sql = `SELECT DISTINCT c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c."notnull" = 0 AND c.pk = 0`;
  const names = database
    .prepare(sql)
    .all()
    .map(({ name }) => String(name));
  database.close();
  return new Set(names);
}

/** Returns the nullable columns that a text sorts by although its condition does not exclude NULL. */
function sortedNulls(text: string, nullable: ReadonlySet<string>): readonly string[] {
  return [...text.matchAll(/ORDER BY ([\w.,\s]+)/g)].flatMap(({ index, 1: list = '' }) => {
    const before = text.slice(Math.max(0, index - 400), index);
    return list
      .split(',')
      .map((one) => one.trim())
      .filter((one) => !one.endsWith('IS NOT NULL') && !list.includes(`${one} IS NOT NULL`))
      .map((one) => one.replace(/^\w+\./, '').split(/\s/)[0] ?? '')
      .filter((name) => nullable.has(name) && !new RegExp(`\\b${name}(?: [<>]| IS NOT NULL|')`).test(before));
  });
}

test('no statement sorts by a column that may be NULL', () => {
  const nullable = nullableColumns();
  assert.ok(nullable.has('code') && nullable.has('resolved_at'));
  assert.deepEqual(sortedNulls('SELECT code FROM visits ORDER BY id, code', nullable), ['code']);
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    assert.deepEqual(sortedNulls(readFileSync(path.join(root, file), 'utf8'), nullable), [], file);
  }
});
