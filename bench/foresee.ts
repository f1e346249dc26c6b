/**
 * Measures the whole commands `forecast`, `outliers` and `digest`, and a pass that makes forecasts, for 10,000 clients.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { dayMs } from '../src/platform/units.ts';
import { sqlTime } from '../src/storage/sql/sql-time.ts';
import { costOf, inTemporaryFolder, program, run } from './children.ts';
import { atMost, forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { makeRows, withSession } from './made-rows.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';

const mounts = ['/', '/data', '/boot'];
const levelDays = 35;
const rounds = 3;
const groupSize = 100;

interface Asked {
  readonly name: string;
  readonly what: string;
  readonly args: readonly string[];
  /** The target in seconds of CPU; null if there is none. */
  readonly most: number | null;
  /** True if the start and the reading of config.xml are not counted. */
  readonly withoutStart?: boolean;
}

const asked: readonly Asked[] = [
  { name: 'forecast', what: 'forecast', args: ['forecast', '--json'], most: 5 },
  {
    name: 'foreseeing-pass',
    what: 'alert --dry-run with forecasts',
    args: ['alert', '--dry-run', '--json'],
    most: null,
  },
  {
    name: 'outliers',
    what: 'outliers beyond start and config.xml',
    args: ['outliers', '--json'],
    most: 0.5,
    withoutStart: true,
  },
  { name: 'digest', what: 'digest of a week', args: ['digest', '--json'], most: null },
];

export async function benchForesee(options: BenchOptions): Promise<BenchResult> {
  const { quick, say } = options;
  const clients = quick ? 200 : 10_000;
  const figures: Figure[] = [];
  await onDatabases(options, async ({ name: database, config, server }) => {
    await makeRows(config, { clients, rowsPerClient: 12, mounts, processed: true, visitsPerClient: 12 });
    await makeLevels(config);
    say(`${database}: ${clients * mounts.length * levelDays} levels made`);
    await inTemporaryFolder((dir) => {
      const file = path.join(dir, 'config.xml');
      writeFileSync(file, configText(config, server, clients), { mode: 0o600 });
      const empty = path.join(dir, 'empty.xml');
      const emptyStorage: StorageConfig = { ...config, kind: 'sqlite', path: path.join(dir, 'empty.db') };
      writeFileSync(empty, configText(emptyStorage, null, clients), { mode: 0o600 });
      for (const { name, what, args, most, withoutStart = false } of asked) {
        const askOf = (settings: string): string => run(process.execPath, [program, '-c', settings, ...args], [0, 1]);
        const ask = (): string => askOf(file);
        const start = (): number => (withoutStart ? costOf(() => void askOf(empty)).cpuMs : 0);
        const answer = ask();
        say(`${what}: ${answer.length} characters`);
        if (name === 'outliers') assertOutliers(answer, clients);
        const samples = Array.from(
          { length: quick ? 1 : rounds },
          () => (costOf(() => void ask()).cpuMs - start()) / 1000,
        );
        const row = forInformation(
          `${name}${server === null ? '' : '-mariadb'}`,
          `${what}, ${clients.toLocaleString('en')} clients with 3 mounts: CPU, ${database}`,
          's',
        );
        figures.push(measured({ ...row, target: most === null ? null : atMost(most) }, samples));
      }
      return Promise.resolve();
    });
  });
  return { figures, series: [] };
}

/** Throws if a group has no outlier: reports that are too old for a comparison cost nothing. */
function assertOutliers(answer: string, clients: number): void {
  const { outliers } = JSON.parse(answer) as { readonly outliers: readonly unknown[] };
  // The first group is excepted: its clients have no number that ends with 00.
  const least = clients / groupSize - 1;
  if (outliers.length < least) throw new Error(`${outliers.length} outliers instead of ${least} and more`);
}

/**
 * Makes levels: a client in ten fills its disks within 20 days, and the disks of all others go up and down. Most groups
 * get an outlier.
 */
async function makeLevels(config: StorageConfig): Promise<void> {
  const sqlite = config.kind === 'sqlite';
  const number = sqlite ? 'CAST(substr(name, 5) AS INTEGER)' : 'CAST(SUBSTRING(name, 5) AS UNSIGNED)';
  await withSession(config, async (session) => {
    await session.run(`UPDATE stats SET cpu_percent = 95 WHERE client LIKE 'web-%00'`);
    for (let day = levelDays - 1; day >= 0; day -= 1) {
      const at = sqlTime(Date.now() - day * dayMs);
      const used = `CASE WHEN ${number} % 10 = 0 THEN 980000000000 - ${day} * 1000000000
        ELSE 400000000000 + (${number} * 7 + ${day} * 13) % 97 * 1000000000 END`;
      for (const mount of mounts) {
        await session.run(
          `INSERT INTO disk_levels (day, client, mount, observed_at, size_bytes, available_bytes, used_bytes,
             inodes_percent)
           SELECT ?, name, ?, ?, 1000000000000, 1000000000000 - (${used}), ${used}, 4.2 FROM clients ORDER BY name`,
          [at.slice(0, 10), mount, at],
        );
      }
    }
    await session.run(`UPDATE clients SET first_seen = ?`, [sqlTime(Date.now() - levelDays * dayMs)]);
  });
}

function configText(config: StorageConfig, server: BenchDatabase['server'], clients: number): string {
  const url =
    config.kind === 'sqlite'
      ? `url="sqlite:${config.path}"`
      : `url="${server?.database.url ?? ''}" password="${server?.database.password ?? ''}"`;
  const groups = Array.from({ length: clients / groupSize }, (_, index) => {
    const names = `web-[${index * groupSize}-${(index + 1) * groupSize - 1}]`;
    return `<group name="g${index}"><client name="${names}" ip="${names}.example.org" username="u"/></group>`;
  });
  return `<config><storage ${url}/><collector every="15m"/><alerts mail="ops@example.org"/>
    <smtp host="127.0.0.1" from="fleet@example.org"/>${groups.join('')}</config>`;
}
