import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/databases/mariadb.ts';
import { costOf, inTemporaryFolder, program, run } from './children.ts';
import { atMost, measured, notMeasured, seriesOf } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row } from './figure.ts';
import { makeRows } from './made-rows.ts';
import { spreadOf, type Point } from './statistics.ts';

const row = (name: string, database: string): Row => ({
  name,
  what: `status of 10,000 clients with 10,000,000 rows stored, ${database}`,
  unit: 's',
  peer: null,
  target: atMost(1),
});
const sqlite = row('status', 'SQLite');
const mariadb = row('status-mariadb', 'MariaDB');
const rounds = 5;
const visitsPerClient = 100;

/** Measures the whole command, including the start of Node and the table, on rows made by SQL. */
export async function benchStatus({ quick, say }: BenchOptions): Promise<BenchResult> {
  const points: Point[] = [];
  const figures: Figure[] = [];
  const rowsPerClient = quick ? 10 : 1000;
  for (const clients of quick ? [20] : [100, 1000, 10_000, 50_000]) {
    const rows = clients > 10_000 ? 100 : rowsPerClient;
    const samples = await inTemporaryFolder(async (dir) => {
      const file = path.join(dir, 'fleet.db');
      const storageAttributes = `url="sqlite:${file}"`;
      return statusSeconds(dir, sqliteConfig(file), { storageAttributes, clients, rowsPerClient: rows, quick, say });
    });
    points.push({ n: clients, value: spreadOf(samples).median });
    if (quick || clients === 10_000) figures.push(measured(sqlite, samples));
  }
  figures.push(await onMariadb(quick, say));
  const what = 'status';
  return { figures, series: [seriesOf({ name: 'status-time', what, unit: 's' }, points)] };
}

async function onMariadb(quick: boolean, say: BenchOptions['say']): Promise<Figure> {
  if (quick) return notMeasured(mariadb, 'takes a server of its own');
  if (skipWithoutMariadb !== false) return notMeasured(mariadb, skipWithoutMariadb);
  const server = await startMariadb(['--innodb-buffer-pool-size=2G', '--innodb-log-file-size=1G']);
  try {
    const { storage, url, password } = await server.createDatabase();
    const storageAttributes = `url="${url}" password="${password}"`;
    const samples = await inTemporaryFolder((dir) =>
      statusSeconds(dir, storage, { storageAttributes, clients: 10_000, rowsPerClient: 1000, quick, say }),
    );
    return measured(mariadb, samples);
  } finally {
    await server.stop();
  }
}

interface StatusFleet {
  /** The attributes of `<storage>` in config.xml. */
  readonly storageAttributes: string;
  readonly clients: number;
  readonly rowsPerClient: number;
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

async function statusSeconds(dir: string, storage: StorageConfig, fleet: StatusFleet): Promise<readonly number[]> {
  const { storageAttributes, clients, rowsPerClient, quick, say } = fleet;
  const startedAt = performance.now();
  await makeRows(storage, {
    clients,
    rowsPerClient,
    mounts: [],
    processed: true,
    visitsPerClient: Math.min(visitsPerClient, rowsPerClient),
  });
  say(`${clients * rowsPerClient} rows made in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  const config = path.join(dir, 'config.xml');
  const names = `web-[0-${clients - 1}]`;
  writeFileSync(
    config,
    `<config><storage ${storageAttributes}/><client name="${names}" ip="${names}.example.org" username="u"/></config>`,
    { mode: 0o600 },
  );
  const status = (): void => {
    const printed = run(process.execPath, [program, '-c', config, 'status']);
    if (!printed.includes(`web-${clients - 1} `)) throw new Error(`status says ${printed.slice(0, 500)}`);
  };
  // The first run reads the pages into the cache, as cron's last pass does in practice.
  status();
  return Array.from({ length: quick ? 1 : rounds }, () => costOf(status).wallMs / 1000);
}
