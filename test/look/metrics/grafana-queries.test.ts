// Second tier: fills a MariaDB until its plans show a scan of a large table.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import { Secret } from '../../../src/config/secret.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { check, item, runEnd, runStart } from '../../storage/support/samples.ts';
import { isLong } from '../../support/long-tests.ts';
import {
  type SharedMariadb,
  type MariadbDatabase,
  numbersTable,
  skipWithoutMariadb,
  sharedMariadb,
} from '../../support/databases/mariadb.ts';
import { type Chosen, expandMysql, grafanaQueries } from './support/grafana.ts';

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];
const clients = 100;
const rows = isLong ? 10_000 : 500;
/** Tables that grow with time. No query may scan them from end to end. */
const large = /^(?:stats|disk_stats|network_stats|samples|visits|[nsl])(?:_hourly)?$/;

const inTables = ['stats', 'disk_stats', 'network_stats', 'samples'] as const;
/** A figure of a check, and a sample. */
const checks = [check('mailq', 0, 'OK | unsent=2'), check('apt', 0, 'apt_upgrades_pending 3', { format: 'prom' })];

/** Copies each client's first rows, each copy a minute older, until the tables are large. */
async function multiply(mariadb: SharedMariadb, { name }: MariadbDatabase): Promise<void> {
  const columnsOf = async (table: string): Promise<readonly string[]> => {
    const sql =
      `SELECT column_name AS c FROM information_schema.columns WHERE table_schema = '${name}' AND ` +
      `table_name = '${table}'`;
    return (await mariadb.asRoot(sql)).map(({ c }) => String(c));
  };
  for (const table of inTables) {
    const columns = (await columnsOf(table)).filter((column) => table !== 'stats' || column !== 'id');
    const values = columns.map((column) => {
      if (column === 'observed_at') return 't.observed_at - INTERVAL seq MINUTE';
      if (column === 'report_id') return 'UUID()';
      return column === 'stat_id' ? 't.stat_id + 1000000 + seq * 1000' : `t.${column}`;
    });
    const sql = `INSERT INTO ${name}.${table} (${columns.join(', ')})
      SELECT ${values.join(', ')} FROM ${name}.${table} t JOIN ${numbersTable(rows)}`;
    await mariadb.asRoot(sql, `ANALYZE TABLE ${name}.${table}`);
  }
}

suite('the queries of the dashboards for MySQL', { skip: skipWithoutMariadb, timeout: 300_000 }, () => {
  let mariadb: SharedMariadb;
  let reader: Database;
  const nowMs = Math.floor(Date.now() / minuteMs) * minuteMs;
  const chosen: Chosen = { clients: ['web-1'], fromMs: nowMs - hourMs, toMs: nowMs, intervalSeconds: 300 };
  before(async () => {
    mariadb = await sharedMariadb();
    const database = await mariadb.createDatabase();
    const storage = await openStorage({ storage: database.storage, migrate: true });
    const names = Array.from({ length: clients }, (_, index) => `web-${index + 1}`);
    const start = runStart({ startedAtMs: nowMs - minuteMs });
    await storage.reports.startRun(start);
    await storage.reports.endRun(start, runEnd(start));
    await storage.reports.ingest(names.map((client) => item({ client, observedAtMs: nowMs - 60 * dayMs, checks })));
    const limits = { nowMs, rawMs: 30 * dayMs, detailMs: dayMs, hourlyMs: 90 * dayMs, dailyMs: 900 * dayMs };
    await storage.reports.ingest(names.map((client) => item({ client, observedAtMs: nowMs - minuteMs, checks })));
    await storage.retention.prune(limits, AbortSignal.timeout(60_000));
    await storage.close();
    await mariadb.asRoot(
      `INSERT INTO ${database.name}.alerts (client, rule, subject, alert_key, open_key, severity, state, value, pending_since,
        firing_since, closed_out) VALUES ('web-1', 'disk', '/', 'key', 'key', 'critical', 'firing', 97, UTC_TIMESTAMP(),
        UTC_TIMESTAMP() - INTERVAL 10 MINUTE, 0)`,
      `INSERT INTO ${database.name}.forecasts (client, mount, kind, days_left, days_low, growth_per_day, since, as_of)
        VALUES ('web-1', '/', 'space', 3, 2, 1e9, UTC_DATE(), UTC_TIMESTAMP())`,
    );
    await multiply(mariadb, database);
    await mariadb.asRoot(
      `CREATE USER grafana@'%' IDENTIFIED BY 'look'`,
      `GRANT SELECT, SHOW VIEW ON ${database.name}.* TO grafana@'%'`,
    );
    const own = { ...database.storage, user: 'grafana', password: new Secret({ kind: 'literal', value: 'look' }) };
    reader = await openDatabase({ storage: own, program: 'change' });
  });
  after(async () => {
    await reader.close();
    await mariadb.stop();
  });

  const scansOf = async (sql: string): Promise<readonly object[]> => {
    const plan = await reader.readOnly(`EXPLAIN FORMAT=TRADITIONAL ${sql}`);
    return plan.filter(({ type, table }) => type === 'ALL' && large.test(String(table)));
  };

  for (const { name, text } of grafanaQueries('mysql')) {
    test(`${name}: answers, and reads no large table from end to end`, async () => {
      const sql = expandMysql(text, chosen);
      assert.doesNotMatch(sql, /\$/);
      const answer = await reader.readOnly(sql);
      const old = expandMysql(text, { ...chosen, fromMs: nowMs - 90 * dayMs, intervalSeconds: 3600 });
      const some = answer.length > 0 ? answer : await reader.readOnly(old);
      assert.ok(some.length > 0 || /Mails not delivered/.test(name), sql);
      assert.deepEqual(await scansOf(sql), []);
      if (!text.includes('IN (${client')) return;
      const everybody = Array.from({ length: clients }, (_, index) => `web-${index + 1}`);
      assert.deepEqual(await scansOf(expandMysql(text, { ...chosen, clients: everybody })), []);
    });
  }

  test('a query that reads a large table from end to end would be found', async () => {
    assert.equal((await scansOf('SELECT AVG(cpu_percent) FROM stats')).length, 1);
  });

  test('the variable lists the clients', async () => {
    assert.equal((await reader.readOnly('SELECT name FROM clients ORDER BY name')).length, clients);
  });
});
