// Second tier: years of rows, rolled up.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

import type { Row, WorkerReport } from '../../../src/report/report.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { prune } from '../../../src/storage/retention/prune.ts';
import { rollupColumns, rollupSources, rollupTable } from '../../../src/storage/sql/rollups.ts';
import { checkStatsRows, diskStatsRows, networkStatsRows, reportRows } from '../../../src/storage/rows/report-rows.ts';
import { programArgs } from '../../support/programs/program-args.ts';
import { storageArgument } from '../../support/databases/storage-argument.ts';
import { times } from '../../support/times.ts';
import { crashingDatabase } from '../support/crashing-database.ts';
import { onEachDatabase } from '../support/databases.ts';
import type { PruneWriterOptions } from '../support/prune-writer.ts';
import { check, item, noonMs, worker } from '../support/samples.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const [rawMs, hourlyMs, dailyMs] = [30 * dayMs, 365 * dayMs, 1825 * dayMs];
const limits = { nowMs: noonMs, rawMs, detailMs: 2 * dayMs, hourlyMs, dailyMs };
const never = new AbortController().signal;
/** 2026-10-16 10:00, five days beyond the limit. */
const oldMs = noonMs - 35 * dayMs;

test('every figure of what comes in is rolled up', () => {
  const texts = ['check_name', 'text', 'perfdata', 'age_s', 'refused', 'metric', 'labels', 'unit'];
  const words = new Set([
    'client',
    'mount',
    'interface',
    'fstype',
    'source',
    'scope',
    'mode',
    'hostname',
    'os',
    ...texts,
  ]);
  const places = new Set(['stat_id', 'ordinal', 'report_id', 'run_id', 'boot_id', 'clock_offset_ms']);
  const rows = reportRows(item({ checks: [check('disk', 0, '|used=5B')] }));
  const [disk_stats = {}, network_stats = {}] = [diskStatsRows(rows, 1)[0], networkStatsRows(rows, 1)[0]];
  const [check_stats = {}] = checkStatsRows(rows, 1);
  const [samples = {}] = rows.readings;
  const written = { stats: rows.stats, disk_stats, network_stats, check_stats, samples };
  const isFigure = (column: string) => !words.has(column) && !places.has(column) && !column.endsWith('_at');
  for (const { table, metrics } of rollupSources) {
    const figures = Object.keys(written[table]).filter(isFigure);
    assert.deepEqual([...metrics].sort(), [...figures].sort(), table);
  }
});

onEachDatabase('rollups', ({ it, kind }) => {
  it('an hour and a day have the least, mean, greatest and count of what was known', async (opened) => {
    const { rows, reports, retention } = opened;
    await reports.ingest([
      sample({ at: oldMs + 1, cpu: 10, processes: 1 }),
      sample({ at: oldMs + 20 * minuteMs, cpu: 40, processes: 2 }),
      sample({ at: oldMs + hourMs - 1, cpu: null, processes: 2 }),
      sample({ at: oldMs + hourMs, cpu: 100, processes: 7 }),
      sample({ at: oldMs + 14 * hourMs, cpu: 2, processes: 1 }),
      item(),
    ]);
    assert.equal((await retention.prune(limits, never)).stats, 5);
    const figures = 'samples, cpu_percent_min, cpu_percent_mean, cpu_percent_max, cpu_percent_count, processes_mean';
    assert.deepEqual(await rows(`SELECT hour, ${figures} FROM stats_hourly ORDER BY hour`), [
      ['2026-10-16 10:00:00', 3, 10, 25, 40, 2, 5 / 3],
      ['2026-10-16 11:00:00', 1, 100, 100, 100, 1, 7],
      ['2026-10-17 00:00:00', 1, 2, 2, 2, 1, 1],
    ]);
    assert.deepEqual(await rows(`SELECT day, ${figures} FROM stats_daily ORDER BY day`), [
      ['2026-10-16', 4, 10, 50, 100, 3, 3],
      ['2026-10-17', 1, 2, 2, 2, 1, 1],
    ]);
  });

  it('each mount and each interface has its own, and what nobody knew stays unknown', async (opened) => {
    const { rows, reports, retention } = opened;
    await reports.ingest([
      sample({ at: oldMs, mounts: { '/': 10, '/data': 90, '/Data': 1 } }),
      sample({ at: oldMs + minuteMs, mounts: { '/': 20, '/data': null } }),
      sample({ at: oldMs + minuteMs, client: 'web-2', mounts: { '/': null } }),
      item(),
      item({ client: 'web-2' }),
    ]);
    await retention.prune(limits, never);
    const disks = 'client, mount, samples, used_percent_min, used_percent_mean, used_percent_max, used_percent_count';
    const expected = [
      ['web-1', '/', 2, 10, 15, 20, 2],
      ['web-1', '/Data', 1, 1, 1, 1, 1],
      ['web-1', '/data', 2, 90, 90, 90, 1],
      ['web-2', '/', 1, null, null, null, 0],
    ];
    for (const table of ['disk_stats_hourly', 'disk_stats_daily']) {
      assert.deepEqual(await rows(`SELECT ${disks} FROM ${table} ORDER BY client, mount`), expected, table);
    }
    const networks = 'interface, samples, tx_bytes_per_s_mean, rx_bytes_per_s_count';
    assert.deepEqual(await rows(`SELECT ${networks} FROM network_stats_hourly WHERE client = 'web-1'`), [
      ['eth0', 2, 2048, 0],
    ]);
  });

  it('a client with new names in each report leaves as many as a report may have', async (opened) => {
    const { storage, rows } = opened;
    const names = (visit: number, count: number): readonly Row[] =>
      Array.from({ length: count }, (_, at) => ({ mount: `/${visit}-${at}`, used_percent: 1 }));
    const reports = times(12, (visit) => {
      const disks = worker('disk', ...names(visit, 150), { mount: '/z', used_percent: 9 });
      return item({ observedAtMs: oldMs + visit, workers: [disks] });
    });
    const disk = worker('disk', { mount: '/', used_percent: 5 });
    const good = item({ client: 'good', observedAtMs: oldMs, workers: [disk] });
    await storage.reports.ingest([...reports, good, item(), item({ client: 'good' })]);
    await storage.retention.prune(limits, never);
    for (const table of ['disk_stats_hourly', 'disk_stats_daily']) {
      const counted = await rows(`SELECT client, COUNT(*) FROM ${table} GROUP BY client ORDER BY client`);
      assert.deepEqual(counted.map(String), ['good,1', 'web-1,200']);
      assert.deepEqual(await rows(`SELECT samples FROM ${table} WHERE mount = '/z'`), [[12]]);
    }
  });

  it('a late row of an hour that was rolled up is added to it, weighed by what each knew', async (opened) => {
    const { rows, reports, retention } = opened;
    const figures = 'samples, cpu_percent_min, cpu_percent_mean, cpu_percent_max, cpu_percent_count';
    await reports.ingest([sample({ at: oldMs, cpu: null }), item()]);
    await retention.prune(limits, never);
    assert.deepEqual(await rows(`SELECT ${figures} FROM stats_hourly`), [[1, null, null, null, 0]]);
    for (const { late, expected } of [
      { late: [30, 60, 90], expected: [4, 30, 60, 90, 3] },
      { late: [null], expected: [5, 30, 60, 90, 3] },
      { late: [10], expected: [6, 10, 47.5, 90, 4] },
      { late: [99, 99, 99, 99], expected: [10, 10, 73.25, 99, 8] },
    ]) {
      await reports.ingest(late.map((cpu) => sample({ at: oldMs + 30 * minuteMs, cpu })));
      await retention.prune(limits, never);
      assert.deepEqual(await rows(`SELECT ${figures} FROM stats_hourly`), [expected]);
      assert.deepEqual(await rows(`SELECT ${figures} FROM stats_daily`), [expected]);
    }
  });

  it('an hour goes as a whole: one that has just begun to be old stays until it has ended', async (opened) => {
    const { rows, reports, retention } = opened;
    const halfPast = { ...limits, nowMs: noonMs + 30 * minuteMs };
    const limitMs = noonMs - limits.rawMs;
    const times = [limitMs - 1, limitMs, limitMs + 29 * minuteMs, limitMs + 31 * minuteMs, noonMs];
    await reports.ingest(times.map((at) => sample({ at })));
    assert.equal((await retention.prune(halfPast, never)).stats, 1);
    assert.deepEqual(await rows('SELECT hour, samples FROM stats_hourly'), [['2026-10-21 09:00:00', 1]]);
  });

  it('hours go after the hourly limit, days after the daily one, and of each client as much', async (opened) => {
    const { rows, reports, retention } = opened;
    const ago = (days: number): number => noonMs - days * dayMs;
    const clients = ['a', 'b'];
    await reports.ingest(
      clients.flatMap((client) =>
        [1900, 1827, 1824, 366, 364, 0].map((days) => sample({ at: ago(days) + minuteMs, client })),
      ),
    );
    const pruned = await retention.prune(limits, never);
    assert.deepEqual([pruned.stats, pruned.more], [10, false]);
    // Reports too old for a rollup were added to one for a moment. The result must not depend on their order of
    // arrival.
    const [first, second] = [await retention.prune(limits, never), await retention.prune(limits, never)];
    assert.deepEqual([first, second], [second, second]);
    assert.deepEqual(await rows('SELECT client, hour FROM stats_hourly ORDER BY client'), [
      ['a', '2025-11-21 10:00:00'],
      ['b', '2025-11-21 10:00:00'],
    ]);
    assert.deepEqual(await rows("SELECT DISTINCT day FROM disk_stats_daily WHERE client = 'b' ORDER BY day"), [
      ['2021-11-22'],
      ['2025-11-19'],
      ['2025-11-21'],
    ]);
  });

  it('without a limit of their own none are made, and those that are there stay', async (opened) => {
    const { rows, reports, retention } = opened;
    const off = { ...limits, hourlyMs: null, dailyMs: null };
    await reports.ingest([sample({ at: oldMs - dayMs }), item()]);
    await retention.prune(limits, never);
    await reports.ingest([sample({ at: oldMs })]);
    await retention.prune({ ...off, nowMs: noonMs + 3650 * dayMs }, never);
    assert.deepEqual(await rows('SELECT day, samples FROM stats_daily'), [['2026-10-15', 1]]);
    assert.deepEqual(await rows('SELECT hour, samples FROM stats_hourly'), [['2026-10-15 10:00:00', 1]]);
    await reports.ingest([sample({ at: oldMs })]);
    await retention.prune({ ...limits, hourlyMs: limits.rawMs }, never);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats_hourly'), [[0]], 'kept no longer than raw: not made');
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats_daily'), [[2]]);
  });

  it('cut off before or after any statement, nothing is lost and nothing counts twice', async (opened) => {
    const { database, rows, reports } = opened;
    await reports.ingest([...backlog(), item()]);
    const before = await rollupTotals(database, 'hour');
    const crashAt = async (statement: number, when: 'before' | 'after'): Promise<boolean> => {
      const crashes: number[] = [];
      const crash = (): void => {
        crashes.push(statement);
        throw new Error('crash');
      };
      const crashing = crashingDatabase(database, { statement, when, crash });
      const thrown = await prune(crashing.database, limits, never).catch((error: unknown) => error);
      for (const span of ['hour', 'day'] as const) {
        assert.deepEqual(await rollupTotals(database, span), before, `${span}, ${when} ${statement}`);
      }
      if (crashes.length > 0) assert.match(String(thrown), /crash/);
      return crashes.length > 0;
    };
    let statement = 1;
    while ((await crashAt(statement, 'before')) && (await crashAt(statement, 'after'))) statement += 1;
    assert.ok(statement > 10, `${statement} statements`);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats'), [[3]], 'the newest of each client');
  });

  it('killed in the middle of a transaction, it goes on where it was', async (opened) => {
    const { config, database, rows, reports, retention } = opened;
    await reports.ingest([...backlog(), item()]);
    const before = await rollupTotals(database, 'hour');
    for (const statement of [5, 17]) {
      const options: PruneWriterOptions = { ...storageArgument(config), limits, statement };
      const file = path.join(import.meta.dirname, '../support/prune-writer.ts');
      const child = spawn(process.execPath, [...programArgs(file), JSON.stringify(options)], { stdio: 'inherit' });
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
      assert.deepEqual(await rollupTotals(database, 'hour'), before);
      assert.deepEqual(await rollupTotals(database, 'day'), before);
    }
    assert.equal((await retention.prune(limits, never)).more, false);
    assert.deepEqual(await rollupTotals(database, 'hour'), before);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM stats'), [[3]]);
  });

  if (kind === 'mysql') {
    it('a connection that is cut at any statement is made anew, and nothing is done twice', async (opened) => {
      const { config, storage, database } = opened;
      const own = await openDatabase({ storage: config, program: 'collect' });
      try {
        for (const [statement, when] of [
          [1, 'after'],
          [4, 'before'],
          [7, 'after'],
          [10, 'after'],
          [11, 'after'],
        ] as const) {
          await storage.reports.ingest([...backlog(), item()]);
          const before = await rollupTotals(database, 'hour');
          const [row] = await own.read((session) => session.all('SELECT CONNECTION_ID() AS id'));
          const crash = async (): Promise<void> => {
            await database.migrate((session) => session.run(`KILL ${Number(row?.['id'])}`));
          };
          const cut = crashingDatabase(own, { statement, when, crash });
          const pruned = await prune(cut.database, limits, never);
          assert.ok(pruned.stats >= 88 && !pruned.more, JSON.stringify(pruned));
          assert.deepEqual(await rollupTotals(database, 'hour'), before, `${when} ${statement}`);
          assert.deepEqual(await rollupTotals(database, 'day'), before);
        }
      } finally {
        await own.close();
      }
    });
  }

  it('two that prune at once, while reports come in, count each row once', async ({ config, storage, database }) => {
    await storage.reports.ingest([...backlog(), item(), item({ client: 'web-2' }), item({ client: 'web-3' })]);
    const other = await openStorage({ storage: config, migrate: false, program: 'collect' });
    const third = await openStorage({ storage: config, migrate: false, program: 'collect' });
    try {
      const before = await rollupTotals(database, 'day');
      const late = backlog();
      const [one, two] = await Promise.all([
        storage.retention.prune(limits, never),
        other.retention.prune(limits, never),
        third.reports.ingest(late.slice(0, 20)),
      ]);
      const last = await storage.retention.prune(limits, never);
      assert.equal(one.stats + two.stats + last.stats, backlog().length + 20);
      const after = await rollupTotals(database, 'day');
      assert.equal(after['stats']?.[0], (before['stats']?.[0] ?? 0) + 20);
      assert.deepEqual(await rollupTotals(database, 'hour'), after);
    } finally {
      await other.close();
      await third.close();
    }
  });

  it('a client that is renamed takes its rollups along, and those of one hour become one', async (opened) => {
    const { database, rows, reports, retention } = opened;
    await reports.ingest([
      sample({ client: 'old', at: oldMs, cpu: 10, mounts: { '/': 10 } }),
      sample({ client: 'old', at: oldMs + hourMs, cpu: 50, mounts: { '/': 50 } }),
      sample({ client: 'new', at: oldMs, cpu: 40, mounts: { '/': 40 } }),
      sample({ client: 'new', at: oldMs, cpu: 40, mounts: { '/srv': 1 } }),
      item({ client: 'old' }),
      item({ client: 'new' }),
    ]);
    await retention.prune(limits, never);
    const before = await rollupTotals(database, 'hour');
    assert.equal(await retention.renameClient('old', 'new'), true);
    assert.deepEqual(await rollupTotals(database, 'hour'), before);
    assert.deepEqual(await rows('SELECT client, hour, samples, cpu_percent_mean FROM stats_hourly ORDER BY hour'), [
      ['new', '2026-10-16 10:00:00', 3, 30],
      ['new', '2026-10-16 11:00:00', 1, 50],
    ]);
    assert.deepEqual(
      await rows('SELECT client, mount, samples, used_percent_mean FROM disk_stats_daily ORDER BY mount'),
      [
        ['new', '/', 3, 100 / 3],
        ['new', '/srv', 1, 1],
      ],
    );
  });

  it('more rows than a transaction takes go in several, those of one client too', async (opened) => {
    const { database, rows, reports, retention } = opened;
    const busy = Array.from({ length: 700 }, (_, index) => sample({ at: oldMs + index * 1000, cpu: index % 2 }));
    const others = Array.from({ length: 300 }, (_, index) => sample({ at: oldMs, client: `web-${index % 100}x` }));
    for (const batch of [busy, others]) await reports.ingest(batch);
    const before = await rollupTotals(database, 'hour');
    assert.equal((await retention.prune({ ...limits, nowMs: noonMs }, never)).stats, 899);
    assert.deepEqual(await rollupTotals(database, 'hour'), before);
    assert.deepEqual(await rows("SELECT samples, cpu_percent_mean FROM stats_daily WHERE client = 'web-1'"), [
      [699, 349 / 699],
    ]);
  });

  it('the views by hour and by day show rows and rollups as one, with the columns of the tables', async (opened) => {
    const { rows, reports, retention, history } = opened;
    for (const source of rollupSources) {
      for (const span of ['hour', 'day'] as const) {
        const columns = rollupColumns(source, span);
        assert.deepEqual(await rows(`SELECT ${columns.join(', ')} FROM ${rollupTable(source, span)}`), []);
        const mixed = await history.query(`SELECT * FROM ${rollupTable(source, span)}`);
        assert.deepEqual(mixed, []);
      }
    }
    await reports.ingest([
      sample({ at: oldMs, cpu: 10, mounts: { '/': 7 } }),
      sample({ at: oldMs + 1000, cpu: 20, mounts: { '/': 8 } }),
      sample({ at: noonMs, cpu: 99, mounts: { '/': 9 } }),
    ]);
    await retention.prune(limits, never);
    const figures = 'samples, cpu_percent_min, cpu_percent_mean, cpu_percent_max, cpu_percent_count';
    for (const span of ['hour', 'day']) {
      assert.deepEqual(await rows(`SELECT ${figures} FROM stats_by_${span} WHERE client = 'web-1' ORDER BY ${span}`), [
        [2, 10, 15, 20, 2],
        [1, 99, 99, 99, 1],
      ]);
      assert.deepEqual(
        await rows(`SELECT mount, samples, used_percent_max FROM disk_stats_by_${span} ORDER BY ${span}`),
        [
          ['/', 2, 8],
          ['/', 1, 9],
        ],
      );
      assert.equal((await rows(`SELECT interface FROM network_stats_by_${span}`)).length, 2);
    }
  });
});

interface SampleOptions {
  readonly at: number;
  readonly client?: string;
  readonly cpu?: number | null;
  readonly processes?: number;
  readonly mounts?: Readonly<Record<string, number | null>>;
}

function sample({ at, client, cpu = 1, processes = 3, mounts = { '/': 5 } }: SampleOptions): ReturnType<typeof item> {
  const disk = ([mount, used_percent]: readonly [string, number | null]): Row => ({
    mount,
    fstype: 'ext4',
    source: '/dev/vda1',
    scope: 'local',
    mode: 'rw',
    size_bytes: 9_007_199_254_740_991,
    used_percent,
  });
  const workers: readonly WorkerReport[] = [
    worker('cpu', { used_percent: cpu, cpus: 4 }),
    worker('disk', ...Object.entries(mounts).map(disk)),
    worker('network', { interface: 'eth0', rx_bytes_per_s: null, tx_bytes_per_s: 2048 }),
    worker('processes', { total: processes }),
  ];
  return item({ observedAtMs: at, workers, ...(client === undefined ? {} : { client }) });
}

/** Returns reports of three clients in three hours. */
function backlog(): readonly ReturnType<typeof item>[] {
  return Array.from({ length: 90 }, (_, index) =>
    sample({ at: oldMs + index * 2 * minuteMs, client: `web-${(index % 3) + 1}`, cpu: index % 7 === 0 ? null : index }),
  );
}

/** Returns the totals of each table over raw rows and rollups together. Pruning must not change them. */
async function rollupTotals(
  database: Database,
  span: 'hour' | 'day',
): Promise<Readonly<Record<string, readonly [rows: number, known: number, sum: number]>>> {
  const totals: Record<string, readonly [number, number, number]> = {};
  for (const source of rollupSources) {
    // A single metric represents all: one statement adds all metrics of a row.
    const metric = {
      stats: 'cpu_percent',
      disk_stats: 'used_percent',
      network_stats: 'rx_bytes_per_s',
      check_stats: 'state',
      samples: 'value',
    }[source.table];
    const [row] = await database.read((session) =>
      session.all(
        `SELECT r.n + u.n AS n, r.known + u.known AS known, r.total + u.total AS total
         FROM (SELECT COUNT(*) AS n, COUNT(${metric}) AS known, COALESCE(SUM(${metric}), 0) AS total FROM ${source.table}) r,
              (SELECT COALESCE(SUM(samples), 0) AS n, COALESCE(SUM(${metric}_count), 0) AS known,
                      COALESCE(SUM(${metric}_count * ${metric}_mean), 0) AS total FROM ${rollupTable(source, span)}) u`,
      ),
    );
    totals[source.table] = [Number(row?.['n']), Number(row?.['known']), Math.round(Number(row?.['total']) * 1e6) / 1e6];
  }
  return totals;
}
