import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import type { Database } from '../src/storage/sql/database.ts';
import { migrateDatabase } from '../src/storage/migrate/migrate.ts';
import { openDatabase } from '../src/storage/dialects/open-database.ts';
import { prune } from '../src/storage/retention/prune.ts';
import { spanStart } from '../src/storage/retention/rollup.ts';
import { sqlTime } from '../src/storage/sql/sql-time.ts';
import { forInformation, measured, type BenchOptions, type BenchResult, type Figure, type Unit } from './figure.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';
import { fillRaw, fillRollups } from './retention-fill.ts';
import { dayMs, hourMs, minuteMs } from '../src/platform/units.ts';
import { storageArgument } from '../test/support/databases/storage-argument.ts';

const pruneMs = minuteMs;

interface Sizes {
  readonly clients: number;
  /** The steps of raw rows: 1,000 clients every five minutes make a million rows in three and a half days. */
  readonly rawSteps: number;
  readonly reportSteps: number;
  readonly filledHours: number;
  readonly filledDays: number;
}

const whole: Sizes = { clients: 1000, rawSteps: 1000, reportSteps: 24, filledHours: 240, filledDays: 365 };
const tiny: Sizes = { clients: 10, rawSteps: 100, reportSteps: 10, filledHours: 3, filledDays: 3 };

interface Bench extends Sizes {
  readonly name: string;
  readonly database: Database;
  readonly config: StorageConfig;
  /** Returns the size of the tables on the disk, freed pages included. */
  readonly sizeBytes: () => Promise<number>;
  readonly add: (name: string, what: string, unit: Unit, ...samples: readonly number[]) => void;
}

/** Measures a year of a thousand clients: its size, its queries, and rollups during inserts. */
export async function benchRetention(options: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  await onDatabases(options, async (place) => {
    const { name, config } = place;
    const database = await openDatabase({ storage: config, program: 'collect' });
    const add: Bench['add'] = (row, what, unit, ...samples) => {
      const head = forInformation(`retention-${name.toLowerCase()}-${row}`, `${name}: ${what}`, unit);
      figures.push(measured(head, samples));
    };
    const sizeBytes = sizeOf(place, database);
    const bench: Bench = { ...(options.quick ? tiny : whole), name, database, config, sizeBytes, add };
    try {
      await migrateDatabase(database);
      const nowMs = Math.floor(Date.now() / hourMs) * hourMs;
      await sizes(bench, nowMs);
      await questions(bench);
      if (!options.quick) await pruning(bench, nowMs);
    } finally {
      await database.close();
    }
  });
  return { figures, series: [] };
}

function sizeOf({ config, server }: BenchDatabase, database: Database): () => Promise<number> {
  if (server === null) {
    return async () => {
      await database.read((session) => session.all('PRAGMA wal_checkpoint(TRUNCATE)'));
      return statSync(config.path ?? '').size;
    };
  }
  return async () => {
    const [row] = await server.asRoot(
      'SELECT SUM(FILE_SIZE) AS bytes FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME LIKE ' +
        `'${server.database.name}/%'`,
    );
    return Number(row?.['bytes']);
  };
}

async function sizes(bench: Bench, nowMs: number): Promise<void> {
  const { database, sizeBytes, add, clients, rawSteps, reportSteps, filledHours, filledDays } = bench;
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
  const one = "a client's";
  add('row', `${one} row with three mounts and an interface`, 'bytes', rawEach);
  add('report', `${one} whole report`, 'bytes', reportEach);
  add('hour', `${one} hour`, 'bytes', hourly / filledHours / clients);
  add('day', `${one} day`, 'bytes', daily / filledDays / clients);
  for (const [part, bytes] of Object.entries(year)) {
    add(`year-${part}`, `${clients} clients each five minutes for a year: ${part}`, 'MB', bytes / 1e6);
  }
}

async function questions({ database, add }: Bench): Promise<void> {
  const one = "client = 'web-500.example.org'";
  const asked = {
    latest_stats: 'SELECT * FROM latest_stats',
    'a client, a day': `SELECT observed_at, cpu_percent FROM stats WHERE ${one} ORDER BY observed_at DESC LIMIT 288`,
    'a client, ten days of hours': `SELECT hour, cpu_percent_mean FROM stats_hourly WHERE ${one} ORDER BY hour`,
    'a client, a year of days':
      `SELECT day, cpu_percent_mean, cpu_percent_max FROM stats_daily WHERE ${one} ORDER ` + 'BY day',
    'a mount, a year of days':
      `SELECT day, used_bytes_max FROM disk_stats_daily WHERE ${one} AND mount = '/data' ` + 'ORDER BY day',
    'a client by the hour': `SELECT hour, cpu_percent_mean FROM stats_by_hour WHERE ${one} ORDER BY hour`,
    'fullest disks now': `SELECT l.client, d.mount, d.used_percent FROM latest_stats l JOIN disk_stats d ON d.stat_id = l.id
      ORDER BY d.used_percent DESC LIMIT 20`,
  };
  await database.write(async (session) => {
    const insert =
      'INSERT INTO clients (name, first_seen) SELECT DISTINCT client, ' + `'2026-01-01 00:00:00.000' FROM stats`;
    await session.run(insert);
  });
  for (const [title, sql] of Object.entries(asked)) {
    const times: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const startedAt = performance.now();
      await database.readOnly(sql);
      times.push(performance.now() - startedAt);
    }
    add(`ask-${title.replaceAll(/[ ,_]+/g, '-')}`, title, 'ms', ...times);
  }
}

/**
 * Prunes raw rows down to a day for a minute, while another process stores a hundred reports every quarter of a second.
 */
async function pruning({ database, config, add }: Bench, nowMs: number): Promise<void> {
  const storageText = JSON.stringify(storageArgument(config));
  const file = path.join(import.meta.dirname, 'retention-collector.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', file, storageText], { stdio: ['pipe', 'pipe', 'inherit'] });
  let took = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (took += text));
  const transactions: number[] = [];
  const timed: Database = {
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
    space: () => database.space(),
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
  add('prune', 'rows with three mounts and an interface rolled up and removed', 'per s', pruned.stats / seconds);
  for (const [row, what, times] of [
    ['prune-transaction', 'transactions of prune', transactions],
    ['store-beside-prune', '100 reports stored beside it', stored],
  ] as const) {
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
    add(`${row}-median`, `${what}, the median`, 'ms', at(0.5));
    add(`${row}-99`, `${what}, 99 % of them at most`, 'ms', at(0.99));
    add(`${row}-longest`, `${what}, the longest`, 'ms', at(1));
  }
}
