import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import type { Database } from '../src/storage/database.ts';
import { migrateDatabase } from '../src/storage/migrate.ts';
import { openDatabase } from '../src/storage/open-database.ts';
import { prune } from '../src/storage/prune.ts';
import { spanStart } from '../src/storage/rollup.ts';
import { sqlTime } from '../src/storage/sql-time.ts';
import { sqliteConfig } from '../test/storage/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/mariadb.ts';
import { fillRaw, fillRollups } from './retention-fill.ts';

const clients = 1000;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Of raw rows: 1,000 each five minutes make a million in three and a half days. */
const rawSteps = 1000;
const reportSteps = 24;
const filledHours = 240;
const filledDays = 365;
const pruneMs = 60_000;

interface Measured {
  readonly name: string;
  readonly database: Database;
  readonly config: StorageConfig;
  /** What the tables take on the disk, those that have been freed included. */
  readonly sizeBytes: () => Promise<number>;
}

/** What a year of a thousand clients takes, what is asked of it, and how rows become rollups while others come in. */
export async function benchRetention(): Promise<void> {
  await benchSqlite();
  if (skipWithoutMariadb === false) await benchMariadb();
  else console.log(`MariaDB: ${skipWithoutMariadb}`);
}

async function benchSqlite(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-bench-'));
  try {
    const config = sqliteConfig(path.join(dir, 'fleet.db'));
    const database = await openDatabase({ storage: config, program: 'collect' });
    const sizeBytes = async (): Promise<number> => {
      await database.read((session) => session.all('PRAGMA wal_checkpoint(TRUNCATE)'));
      return statSync(config.path ?? '').size;
    };
    await benchOne({ name: 'SQLite', database, config, sizeBytes });
    await database.close();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Alone: `node --import tsx -e "import('./bench/retention.ts').then((part) => part.benchMariadb())"` */
export async function benchMariadb(): Promise<void> {
  const mariadb = await startMariadb(['--innodb-buffer-pool-size=512M']);
  try {
    const { storage: config, name } = await mariadb.createDatabase();
    const database = await openDatabase({ storage: config, program: 'collect' });
    const sizeBytes = async (): Promise<number> => {
      const [row] = await mariadb.asRoot(
        `SELECT SUM(FILE_SIZE) AS bytes FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME LIKE '${name}/%'`,
      );
      return Number(row?.['bytes']);
    };
    await benchOne({ name: 'MariaDB', database, config, sizeBytes });
    await database.close();
  } finally {
    await mariadb.stop();
  }
}

async function benchOne(measured: Measured): Promise<void> {
  await migrateDatabase(measured.database);
  const nowMs = Math.floor(Date.now() / hourMs) * hourMs;
  await sizes(measured, nowMs);
  await questions(measured);
  await pruning(measured, nowMs);
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

async function sizes({ name, database, sizeBytes }: Measured, nowMs: number): Promise<void> {
  const grown = async (work: () => Promise<void>): Promise<number> => {
    const before = await sizeBytes();
    await work();
    return (await sizeBytes()) - before;
  };
  const from = sqlTime(nowMs - rawSteps * 300_000);
  const chunk = 50;
  const fill = async (firstStep: number, steps: number, reports: boolean): Promise<void> => {
    for (let step = firstStep; step < firstStep + steps; step += chunk) {
      const options = { clients, from, firstStep: step, steps: Math.min(chunk, firstStep + steps - step), reports };
      await fillRaw(database, options);
    }
  };
  const raw = await grown(() => fill(0, rawSteps - reportSteps, false));
  const withReports = await grown(() => fill(rawSteps - reportSteps, reportSteps, true));
  const rawEach = raw / (rawSteps - reportSteps) / clients;
  const reportEach = withReports / reportSteps / clients - rawEach;
  const hourly = await grown(async () => {
    for (let hour = filledHours; hour > 0; hour -= 1) {
      const start = spanStart('hour', nowMs - 30 * dayMs - hour * hourMs);
      await fillRollups(database, 'hour', { clients, start });
    }
  });
  const daily = await grown(async () => {
    for (let day = filledDays; day > 0; day -= 1) {
      await fillRollups(database, 'day', { clients, start: spanStart('day', nowMs - day * dayMs) });
    }
  });
  const rows = { raw: clients * 288 * 30, reports: clients * 288 * 2, hours: clients * 24 * 335, days: clients * 335 };
  const year = {
    raw: rawEach * rows.raw,
    detail: reportEach * rows.reports,
    hourly: (hourly / filledHours / clients) * rows.hours,
    daily: (daily / filledDays / clients) * rows.days,
  };
  console.log(
    `${name}, a client's row with three mounts and an interface: ${Math.round(rawEach)} bytes raw, ` +
      `${Math.round(reportEach)} a whole report, ${Math.round(hourly / filledHours / clients)} an hour, ` +
      `${Math.round(daily / filledDays / clients)} a day`,
  );
  const parts = Object.entries(year).map(([part, bytes]) => `${part} ${gigabytes(bytes)}`);
  const total = Object.values(year).reduce((sum, bytes) => sum + bytes, 0);
  console.log(`${name}, ${clients} clients each five minutes for a year: ${gigabytes(total)} (${parts.join(', ')})`);
}

async function questions({ name, database }: Measured): Promise<void> {
  const one = "client = 'web-500.example.org'";
  const asked = {
    latest_stats: 'SELECT * FROM latest_stats',
    'a client, a day': `SELECT observed_at, cpu_percent FROM stats WHERE ${one} ORDER BY observed_at DESC LIMIT 288`,
    'a client, ten days of hours': `SELECT hour, cpu_percent_mean FROM stats_hourly WHERE ${one} ORDER BY hour`,
    'a client, a year of days': `SELECT day, cpu_percent_mean, cpu_percent_max FROM stats_daily WHERE ${one} ORDER BY day`,
    'a mount, a year of days': `SELECT day, used_bytes_max FROM disk_stats_daily WHERE ${one} AND mount = '/data' ORDER BY day`,
    'a client through rows and hours': `SELECT observed_at, cpu_percent_mean FROM stats_history WHERE ${one} ORDER BY observed_at`,
    'fullest disks now': `SELECT l.client, d.mount, d.used_percent FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id
      ORDER BY d.used_percent DESC LIMIT 20`,
  };
  await database.write(async (session) => {
    const insert = `INSERT INTO clients (name, first_seen) SELECT DISTINCT client, '2026-01-01 00:00:00.000' FROM stats`;
    await session.run(insert);
  });
  for (const [title, sql] of Object.entries(asked)) {
    const times: number[] = [];
    let rows = 0;
    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      rows = (await database.readOnly(sql)).length;
      times.push(performance.now() - startedAt);
    }
    const [first = NaN] = times;
    const median = [...times].sort((a, b) => a - b)[2] ?? NaN;
    console.log(`${name}: ${title}: ${median.toFixed(1)} ms (first ${first.toFixed(1)} ms), ${rows} rows`);
  }
}

/** For a minute: raw is shortened to a day, while another process stores a hundred reports each quarter of a second. */
async function pruning({ name, database, config }: Measured, nowMs: number): Promise<void> {
  const said = JSON.stringify({ ...config, password: config.password?.reveal() ?? null });
  const file = path.join(import.meta.dirname, 'retention-collector.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, said], { stdio: ['pipe', 'pipe', 'inherit'] });
  let took = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (took += text));
  const transactions: number[] = [];
  const timed: Database = {
    dialect: database.dialect,
    maxBatchBytes: () => database.maxBatchBytes(),
    read: (work) => database.read(work),
    write: async (work) => {
      const startedAt = performance.now();
      try {
        return await database.write(work);
      } finally {
        transactions.push(performance.now() - startedAt);
      }
    },
    readOnly: (sql) => database.readOnly(sql),
    migrate: (work) => database.migrate(work),
    close: () => database.close(),
  };
  const limits = { nowMs, rawMs: dayMs, detailMs: hourMs, hourlyMs: 3650 * dayMs, dailyMs: 3650 * dayMs };
  const startedAt = performance.now();
  const pruned = await prune(timed, limits, AbortSignal.timeout(pruneMs));
  const seconds = (performance.now() - startedAt) / 1000;
  child.stdin.end();
  await once(child, 'close');
  const stored = JSON.parse(took === '' ? '[]' : took) as readonly number[];
  const worst = (times: readonly number[]): string => {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? NaN).toFixed(0);
    return `median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms`;
  };
  console.log(
    `${name}: ${pruned.stats} rows with three mounts and an interface rolled up and removed in ${seconds.toFixed(0)} s ` +
      `(${Math.round(pruned.stats / seconds)} a second), more left: ${String(pruned.more)}`,
  );
  console.log(
    `${name}: transactions of prune: ${worst(transactions)}; stored beside it, 100 reports: ${worst(stored)}`,
  );
}
