import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/databases/mariadb.ts';
import { inTemporaryFolder, program, watchRun, type WatchedRun } from './children.ts';
import { atMost, measured, notMeasured, seriesOf } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row, Target, Unit } from './figure.ts';
import { makeRows } from './made-rows.ts';
import { spreadOf, type Point } from './statistics.ts';

const backlog = 'alerter over 1,000,000 unprocessed rows of 1,000 clients, 5 rules each';
const row = (name: string, what: string, unit: Unit, target: Target): Row => ({ name, what, unit, peer: null, target });
const rowsOf = {
  SQLite: {
    time: row('alerter', `${backlog}, SQLite`, 's', atMost(30)),
    memory: row('alerter-memory', 'the same: resident memory', 'MB', atMost(200)),
  },
  MariaDB: {
    time: row('alerter-mariadb', `${backlog}, MariaDB`, 's', atMost(30)),
    memory: row('alerter-mariadb-memory', 'the same: resident memory', 'MB', atMost(200)),
  },
} as const;
const mounts = ['/', '/data', '/boot'] as const;
const rowsPerClient = 1000;
/** The rows of each client of the series: 50,000 clients have a million rows. */
const seriesRows = 20;

/** Measures a pass over a backlog, started as cron does. Every round has a copy of the same database. */
export async function benchAlerter({ quick, say }: BenchOptions): Promise<BenchResult> {
  const figures: Figure[] = [];
  const clients = quick ? 20 : 1000;
  const each = quick ? 5 : rowsPerClient;
  figures.push(...figuresOf('SQLite', await onSqlite(clients, each, quick ? 1 : 3, say)));
  if (quick) figures.push(...notOnMariadb('takes a server of its own'));
  else if (skipWithoutMariadb !== false) figures.push(...notOnMariadb(skipWithoutMariadb));
  else figures.push(...figuresOf('MariaDB', [await onMariadb(clients, each)]));
  const points: Point[] = [];
  for (const size of quick ? [10] : [100, 1000, 10_000, 50_000]) {
    const passes = await onSqlite(size, quick ? 2 : seriesRows, quick || size > 10_000 ? 1 : 3, say);
    points.push({ n: size, value: spreadOf(passes.map(({ wallS }) => wallS)).median });
  }
  const what = `alerter, ${seriesRows} rows of each client`;
  return { figures, series: [seriesOf({ name: 'alerter-time', what, unit: 's' }, points)] };
}

function figuresOf(database: keyof typeof rowsOf, passes: readonly WatchedRun[]): readonly Figure[] {
  return [
    measured(
      rowsOf[database].time,
      passes.map(({ wallS }) => wallS),
    ),
    measured(
      rowsOf[database].memory,
      passes.map(({ peakMegabytes }) => peakMegabytes),
    ),
  ];
}

function notOnMariadb(why: string): readonly Figure[] {
  return [notMeasured(rowsOf.MariaDB.time, why), notMeasured(rowsOf.MariaDB.memory, why)];
}

function onSqlite(
  clients: number,
  each: number,
  rounds: number,
  say: BenchOptions['say'],
): Promise<readonly WatchedRun[]> {
  return inTemporaryFolder(async (dir) => {
    const made = path.join(dir, 'made.db');
    const startedAt = performance.now();
    await make(sqliteConfig(made), clients, each);
    say(
      `${clients * each} rows of ${clients} clients made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
    );
    const passes: WatchedRun[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const place = path.join(dir, String(round));
      const file = configIn(place, `url="sqlite:${place}/fleet.db"`, clients);
      copyFileSync(made, path.join(place, 'fleet.db'));
      passes.push(await pass(file, clients * each));
    }
    return passes;
  });
}

async function onMariadb(clients: number, each: number): Promise<WatchedRun> {
  // All other settings are the defaults of MariaDB and Debian. The tests use a shorter log.
  const server = await startMariadb(['--innodb-log-file-size=96M']);
  try {
    const { storage, url, password } = await server.createDatabase();
    await make(storage, clients, each);
    return await inTemporaryFolder((dir) =>
      pass(configIn(path.join(dir, 'mariadb'), `url="${url}" password="${password}"`, clients), clients * each),
    );
  } finally {
    await server.stop();
  }
}

function make(storage: StorageConfig, clients: number, each: number): Promise<void> {
  return makeRows(storage, { clients, rowsPerClient: each, mounts, processed: false, visitsPerClient: 0 });
}

/** Writes a folder with the config.xml of the clients, five rules for each. */
function configIn(dir: string, storage: string, clients: number): string {
  mkdirSync(dir);
  const file = path.join(dir, 'config.xml');
  const names = `web-[0-${clients - 1}]`;
  writeFileSync(
    file,
    `<config><storage ${storage}/><collector every="1m"/>
      <alerts><mail to="ops@example.org"/>
        <alert type="cpu" limit="95%" for="15m"/>
        <alert type="memory" limit="95%"/>
        <alert type="disk" warning="85%" critical="95%"/>
        <alert type="load" limit="16"/>
        <alert type="processes" limit="5000"/>
      </alerts>
      <client name="${names}" ip="${names}.example.org" username="u"/></config>`,
    { mode: 0o600 },
  );
  return file;
}

async function pass(config: string, rows: number): Promise<WatchedRun> {
  const watched = await watchRun([program, '-c', config, '--json', 'alert'], [0, 1]);
  const { reports } = JSON.parse(watched.stdout) as { readonly reports: number };
  if (reports !== rows) throw new Error(`${reports} of ${rows} rows were processed`);
  return watched;
}
