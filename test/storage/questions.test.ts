import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import type { Database, Dialect, SqlRow } from '../../src/storage/sql/database.ts';
import { clientsSql } from '../../src/storage/queries/client-status.ts';
import { migrateDatabase } from '../../src/storage/migrate/migrate.ts';
import { mariadbDialect } from '../../src/storage/dialects/mysql/dialect.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { pruneQueries } from '../../src/storage/retention/prune.ts';
import { sqliteDialect } from '../../src/storage/dialects/sqlite/dialect.ts';
import { isLong } from '../support/long-tests.ts';
import { numbersTable, serverName, skipWithoutMariadb, startMariadb, type Mariadb } from '../support/mariadb.ts';
import { questionsOf, type Question } from '../support/sql-questions.ts';
import { sqliteConfig } from './support/sqlite-config.ts';

/** Two hundred clients or a thousand, each with a thousand rows of the last month, and with a disk each. */
const clientCount = isLong ? 1000 : 200;
const rowCount = clientCount * 1000;

/**
 * The tables that a query may scan. `clients` has one row a client, the others a few a day. `w` and `f` are parts of
 * one report.
 */
const smallTables = new Set(['c', 'clients', 'runs', 'r', 'later', 'inventory_reports', 'i', 'w', 'f']);

describe(`${rowCount} rows on SQLite`, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-questions-'));
  let database: Database;
  before(async () => {
    database = await openDatabase({ storage: sqliteConfig(path.join(dir, 'fleet.db')), program: 'read' });
    await migrateDatabase(database);
    await fillSqlite(database);
  });
  after(async () => {
    await database.close();
    rmSync(dir, { recursive: true });
  });

  const explain = async (context: TestContext, sql: string): Promise<void> => {
    const plan = await database.readOnly(`EXPLAIN QUERY PLAN ${sql}`);
    for (const { detail } of plan) {
      context.diagnostic(String(detail));
      // A partial index over the unprocessed rows holds only the wanted rows.
      const scanned = /^SCAN (\w+)(?!.*_unprocessed\b)/.exec(String(detail))?.[1] ?? 'clients';
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

  test('the plans would show it: a question without an index is found out', async (context) => {
    await assert.rejects(explain(context, 'SELECT * FROM disk_stats WHERE used_percent > 99'), /from end to end/);
  });
});

describe(`${rowCount} rows on ${serverName}`, { skip: skipWithoutMariadb }, () => {
  let mariadb: Mariadb;
  let database: Database;
  before(async () => {
    // The data need not survive a loss of power, and filling is faster without syncs.
    mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0']);
    const { storage, name } = await mariadb.createDatabase();
    database = await openDatabase({ storage, program: 'read' });
    await migrateDatabase(database);
    await fillMariadb(mariadb, name);
  });
  after(async () => {
    await database.close();
    await mariadb.stop();
  });

  const explain = async (context: TestContext, sql: string): Promise<void> => {
    const plan = await database.readOnly(`EXPLAIN FORMAT=TRADITIONAL ${sql}`);
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

  test('the plans would show it: a question without an index is found out', async (context) => {
    await assert.rejects(explain(context, 'SELECT * FROM disk_stats WHERE used_percent > 99'), /from end to end/);
  });
});

/** Returns the queries of the programs, with values in place of the placeholders. */
function ownQuestions(dialect: Dialect): readonly Question[] {
  const values = ["'2020-01-01 00:00:00'", "'1000-01-01 00:00:00'", "'1000-01-01 00:00:00'", "''"];
  const filled = (sql: string): string => {
    let next = 0;
    return sql.replace(/LIMIT \?$/, 'LIMIT 500').replace(/\?/g, () => values[next++] ?? 'NULL');
  };
  return [
    { title: 'status', sql: clientsSql(dialect) },
    ...Object.entries(pruneQueries).map(([title, sql]) => ({ title: `prune ${title}`, sql: filled(sql) })),
  ];
}

async function timed(context: TestContext, database: Database, sql: string): Promise<readonly SqlRow[]> {
  const startedAt = performance.now();
  const rows = await database.readOnly(sql);
  context.diagnostic(`${rows.length} rows in ${(performance.now() - startedAt).toFixed(1)} ms`);
  return rows;
}

async function fillSqlite(database: Database): Promise<void> {
  const numbers = (count: number): string =>
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;
  const client = `'web-' || ((n - 1) / ${rowCount / clientCount} + 1)`;
  const at = `strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (43 * (${clientCount} - n % ${clientCount})) || ' minutes')`;
  const processed = `CASE WHEN n % 1000 = 0 THEN NULL ELSE '2026-11-20 10:00:00.000' END`;
  await database.write(async (session) => {
    await session.run(`${numbers(clientCount)}
      INSERT INTO clients (name, address, first_seen, last_report_at)
      SELECT 'web-' || n, '10.0.0.' || n, '2026-01-01 00:00:00.000', strftime('%Y-%m-%d %H:%M:%f', 'now') FROM numbers`);
    await session.run(`${numbers(rowCount)}
      INSERT INTO stats (id, client, report_id, run_id, observed_at, collected_at, received_at, cpu_percent, processed_at)
      SELECT n, ${client}, printf('%036d', n), 'run', ${at}, 'x', 'x', n % 100, ${processed} FROM numbers`);
    await session.run(`INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, used_percent)
      SELECT id, 0, client, observed_at, '/', id % 97 FROM stats`);
    await session.run(`INSERT INTO check_stats
      SELECT id, 0, client, observed_at, 'mailq', id % 3, 'text', '', 0, 0 FROM stats`);
    await session.run(`INSERT INTO reports (stat_id, observed_at, report)
      SELECT id, observed_at, '{}' FROM stats WHERE id % 20 = 0`);
    await session.run(`INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded)
      SELECT report_id, client, observed_at, 1, id % 2, 0, 0, 0 FROM stats WHERE id % 20 = 0`);
  });
}

async function fillMariadb(mariadb: Mariadb, name: string): Promise<void> {
  const client = `CONCAT('web-', (seq - 1) DIV ${rowCount / clientCount} + 1)`;
  const at = `UTC_TIMESTAMP(3) - INTERVAL 43 * (${clientCount} - seq % ${clientCount}) MINUTE`;
  await mariadb.asRoot(
    `USE ${name}`,
    'SET unique_checks = 0',
    `INSERT INTO clients (name, address, first_seen, last_report_at)
      SELECT CONCAT('web-', seq), CONCAT('10.0.0.', seq), '2026-01-01', UTC_TIMESTAMP(3) FROM ${numbersTable(clientCount)}`,
    `INSERT INTO stats (id, client, report_id, run_id, observed_at, collected_at, received_at, cpu_percent, processed_at)
      SELECT seq, ${client}, LPAD(seq, 36, '0'), 'run', ${at}, '2026-01-01', '2026-01-01', seq % 100,
        IF(seq % 1000 = 0, NULL, '2026-11-20 10:00:00') FROM ${numbersTable(rowCount)}`,
    `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, used_percent)
      SELECT id, 0, client, observed_at, '/', id % 97 FROM stats`,
    `INSERT INTO check_stats SELECT id, 0, client, observed_at, 'mailq', id % 3, 'text', '', 0, 0 FROM stats`,
    `INSERT INTO reports (stat_id, observed_at, report) SELECT id, observed_at, '{}' FROM stats WHERE id % 20 = 0`,
    `INSERT INTO visits (run_id, client, started_at, duration_ms, ok, bytes_in, bytes_out, uploaded)
      SELECT report_id, client, observed_at, 1, id % 2, 0, 0, 0 FROM stats WHERE id % 20 = 0`,
    'ANALYZE TABLE stats, disk_stats, check_stats, reports, visits, clients',
  );
}
