import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mariadbDialect } from '../../../src/storage/dialects/mysql/dialect.ts';
import { sqliteDialect } from '../../../src/storage/dialects/sqlite/dialect.ts';
import type { Database, Dialect } from '../../../src/storage/sql/database.ts';
import { readOnlyQuery } from '../../../src/storage/sql/read-only-query.ts';

/** Returns a database that answers each statement with the statement itself. */
const echo = (dialect: Dialect): Database =>
  ({
    read: (work: (session: { readonly dialect: Dialect }) => Promise<unknown>) => work({ dialect }),
    readOnly: (sql: string) => Promise.resolve([{ sql }]),
  }) as unknown as Database;

const dialects = { mysql: mariadbDialect, sqlite: sqliteDialect } as const;

for (const [sql, isRefusedBy] of [
  ["SELECT 'a;b' -- c;\n", []],
  ['SELECT `a;b`, "c;d" /* e; */', []],
  ["SELECT 'it''s; fine'", []],
  ['  (SELECT 1)', ['mysql', 'sqlite']],
  ['DELETE FROM clients', ['mysql', 'sqlite']],
  ['selection', ['mysql', 'sqlite']],
  ['-- a comment\nWith a AS (SELECT 1) SELECT * FROM a;;\n', []],
  ['SELECT 1; DELETE FROM clients', ['mysql', 'sqlite']],
  ["SELECT 'a'; DELETE FROM clients -- '", ['mysql', 'sqlite']],
  // A backslash before a quote is a part of the text on MySQL alone.
  [String.raw`SELECT 'a\''; DELETE FROM clients -- '`, ['mysql']],
  [String.raw`SELECT 'a\', '; DELETE FROM clients -- '`, ['mysql']],
  // MySQL runs such a comment.
  ['SELECT 1 /*! ; DELETE FROM clients */', ['mysql']],
  ['SELECT 1 # ; 2\n', ['sqlite']],
  ['SELECT 1 --1; DELETE FROM clients', ['mysql']],
  ['SELECT [a;b] FROM c', ['mysql']],
] as const) {
  test(`a query is one statement by the quotes of its database: ${JSON.stringify(sql)}`, async () => {
    for (const [name, dialect] of Object.entries(dialects)) {
      const asked = readOnlyQuery(echo(dialect), sql);
      if ((isRefusedBy as readonly string[]).includes(name))
        await assert.rejects(asked, { code: 'usage', stage: 'storage' }, name);
      else assert.equal((await asked).length, 1, name);
    }
  });
}
