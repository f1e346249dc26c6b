// Second tier: every query of docs/sql.md.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import { messageOf } from '../../src/platform/errors/errors.ts';
import type { Database, Dialect, SqlRow, SqlValue } from '../../src/storage/sql/database.ts';
import { clientsSql } from '../../src/storage/queries/client-status.ts';
import { migrateDatabase } from '../../src/storage/migrate/migrate.ts';
import { mariadbDialect } from '../../src/storage/dialects/mysql/dialect.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { valuesSql } from '../../src/storage/reports/state.ts';
import { pruneQueries } from '../../src/storage/retention/prune.ts';
import { sqliteDialect } from '../../src/storage/dialects/sqlite/dialect.ts';
import { isWide } from '../support/long-tests.ts';
import { serverName, skipWithoutMariadb, startMariadb, type Mariadb } from '../support/databases/mariadb.ts';
import { questionsOf, type Question } from '../support/databases/sql-questions.ts';
import { clientCount, fillMariadb, fillSqlite, rowCount } from './support/large-fill.ts';
import { lookers, withStatements } from './support/lookers.ts';
import { sqliteConfig } from './support/sqlite-config.ts';

/**
 * The tables that a query may scan. `clients` has a row for each client, `forecasts` one for each file system that
 * fills up, and the others a few a day. `w` and `f` are parts of one report; `own` is the newest twelve rows of a
 * client.
 */
const smallTables = new Set([
  'c',
  'own',
  'clients',
  'forecasts',
  'runs',
  'r',
  'later',
  'inventory_reports',
  'i',
  'w',
  'f',
  'silences',
]);

describe(`${rowCount} rows on SQLite`, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-questions-'));
  let database: Database;
  before(async () => {
    database = await openDatabase({ storage: sqliteConfig(path.join(dir, 'fleet.db')), program: 'change' });
    await migrateDatabase(database);
    await fillSqlite(database);
  });
  after(async () => {
    await database.close();
    rmSync(dir, { recursive: true });
  });

  const explain: Explain = async (context, sql, values) => {
    const plan = await database.read((session) => session.all(`EXPLAIN QUERY PLAN ${sql}`, values));
    for (const { detail } of plan) {
      context.diagnostic(String(detail));
      // A partial index over few rows holds only the wanted ones. A count reads all waiting sealed reports.
      const scanned =
        /^SCAN (\w+)(?!.*(?:_unprocessed|_undelivered|COVERING INDEX sealed_reports_key)\b)/.exec(
          String(detail),
        )?.[1] ?? 'clients';
      const isView = /_by_(hour|day)$/.test(scanned);
      assert.ok(smallTables.has(scanned) || isView || scanned === 'CONSTANT', `${scanned} is read from end to end`);
    }
  };
  for (const { title, sql } of [...questionsOf('sqlite'), ...ownQuestions(sqliteDialect)]) {
    test(title, async (context) => {
      await explain(context, sql);
      await timed(context, database, sql);
    });
  }

  plansOfLookers(() => database, explain);

  test('what a client has of a kind is read by the client, whatever others have', async () => {
    const [first] = await database.read((session) => session.all(`EXPLAIN QUERY PLAN ${valuesSql}`, [1, 'file']));
    assert.match(String(first?.['detail']), /^SEARCH s USING /);
  });

  test('the plans would show it: a question without an index is found out', async (context) => {
    await assert.rejects(explain(context, 'SELECT * FROM disk_stats WHERE used_percent > 99'), /from end to end/);
  });
});

describe(`${rowCount} rows on ${serverName}`, { skip: skipWithoutMariadb || (!isWide && 'npm run test:wide') }, () => {
  let mariadb: Mariadb;
  let database: Database;
  before(async () => {
    // The data need not survive a loss of power, and filling is faster without syncs.
    mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0']);
    const { storage, name } = await mariadb.createDatabase();
    database = await openDatabase({ storage, program: 'change' });
    await migrateDatabase(database);
    await fillMariadb(mariadb, name);
  });
  after(async () => {
    await database.close();
    await mariadb.stop();
  });

  const explain: Explain = async (context, sql, values) => {
    const plan = await database.read((session) => session.all(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values));
    for (const { table, type, key, rows, Extra } of plan) {
      context.diagnostic(`${String(table)} ${String(type)} ${String(key)} rows=${String(rows)} ${String(Extra)}`);
      const whole = type === 'ALL' || (type === 'index' && Number(rows) > 10 * clientCount);
      const isMade = table === null || String(table).startsWith('<');
      assert.ok(!whole || isMade || smallTables.has(String(table)), `${String(table)} is read from end to end`);
    }
  };
  for (const { title, sql } of [...questionsOf('mysql'), ...ownQuestions(mariadbDialect)]) {
    test(title, async (context) => {
      await explain(context, sql);
      await timed(context, database, sql);
    });
  }

  plansOfLookers(() => database, explain);

  test('what a client has of a kind is read by the client, whatever others have', async () => {
    const [first] = await database.read((session) => session.all(`EXPLAIN ${valuesSql}`, [1, 'file']));
    assert.equal(first?.['table'], 's');
  });

  test('the plans would show it: a question without an index is found out', async (context) => {
    await assert.rejects(explain(context, 'SELECT * FROM disk_stats WHERE used_percent > 99'), /from end to end/);
  });
});

/** Reports the plan of a statement. Fails if it reads a large table from end to end. */
type Explain = (context: TestContext, sql: string, values?: readonly SqlValue[]) => Promise<void>;

/** Tests that no statement of a program that only shows rows reads a large table from end to end. */
function plansOfLookers(database: () => Database, explain: Explain): void {
  for (const looker of lookers) {
    test(looker.title, async (context) => {
      const startedAt = performance.now();
      const statements = await withStatements(database(), looker);
      context.diagnostic(`${statements.length} statements in ${Math.round(performance.now() - startedAt)} ms`);
      assert.ok(statements.length > 0);
      for (const { sql, values } of statements) {
        await explain(context, sql, values).catch((thrown: unknown) => {
          throw new Error(`${messageOf(thrown)}: ${sql} ${JSON.stringify(values).slice(0, 200)}`, { cause: thrown });
        });
      }
    });
  }
}

/** Returns the queries of the programs, with values in place of the placeholders. */
function ownQuestions(dialect: Dialect): readonly Question[] {
  const values = ["'2020-01-01 00:00:00'", "'1000-01-01 00:00:00'", "'1000-01-01 00:00:00'", "''"];
  const filled = (sql: string): string => {
    let next = 0;
    return sql.replace(/LIMIT \?$/, 'LIMIT 500').replace(/\?/g, () => values[next++] ?? 'NULL');
  };
  return [
    { title: 'status', sql: filled(clientsSql(dialect)) },
    ...Object.entries(pruneQueries).map(([title, sql]) => ({ title: `prune ${title}`, sql: filled(sql) })),
  ];
}

async function timed(context: TestContext, database: Database, sql: string): Promise<readonly SqlRow[]> {
  const startedAt = performance.now();
  const rows = await database.readOnly(sql);
  context.diagnostic(`${rows.length} rows in ${(performance.now() - startedAt).toFixed(1)} ms`);
  return rows;
}
