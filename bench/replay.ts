import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { openDatabase } from '../src/storage/dialects/open-database.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { inTemporaryFolder, program, watchRun } from './children.ts';
import { atMost, forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';

const runsADay = 288;

interface Replayed {
  readonly clients: number;
  readonly days: number;
}

/**
 * Measures replays of one and three days of a thousand clients every five minutes. The difference shows the cost of a
 * day.
 */
export function benchReplay({ quick, say }: BenchOptions): Promise<BenchResult> {
  const fleet: Replayed = quick ? { clients: 5, days: 1 } : { clients: 1000, days: 3 };
  return inTemporaryFolder(async (dir) => {
    const file = path.join(dir, 'config.xml');
    const names = `web-[0-${fleet.clients - 1}]`;
    writeFileSync(
      file,
      `<config><storage url="sqlite:${dir}/fleet.db"/><collector every="5m"/>
        <alerts><mail to="ops@example.org"/></alerts>
        <client name="${names}" ip="${names}.example.org" username="u"/></config>`,
      { mode: 0o600 },
    );
    await fill(path.join(dir, 'fleet.db'), fleet);
    const figures: Figure[] = [];
    for (const days of new Set([1, fleet.days])) {
      const args = [program, '-c', file, '--json', 'alert', '--replay', '--since', `${days}d`];
      const { wallS, peakMegabytes, stdout } = await watchRun(args);
      const { reports, visits, passes, mails } = JSON.parse(stdout) as ReplayOutput;
      say(`${days} d: ${reports} reports and ${visits} visits in ${passes} passes, ${mails.length} mails`);
      const what = `replay of ${days} d of ${fleet.clients} clients each five minutes`;
      figures.push(measured(forInformation(`replay-${days}d`, what, 's'), [wallS]));
      const memory = forInformation(`replay-${days}d-memory`, 'the same: resident memory', 'MB');
      figures.push(measured({ ...memory, target: atMost(500) }, [peakMegabytes]));
    }
    return { figures, series: [] };
  });
}

interface ReplayOutput {
  readonly reports: number;
  readonly visits: number;
  readonly passes: number;
  readonly mails: readonly unknown[];
}

/**
 * Fills the database with every client in each run, three mounts each. Some clients are unreachable or have a full
 * disk.
 */
async function fill(file: string, { clients, days }: Replayed): Promise<void> {
  const storage = sqliteConfig(file);
  await (await openStorage({ storage, migrate: true, program: 'collect' })).close();
  const database = await openDatabase({ storage, program: 'change' });
  const rows = clients * runsADay * days;
  const numbers = (count: number): string =>
    `WITH RECURSIVE n(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${count - 1})`;
  const at = (run: string, seconds: string): string =>
    `strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (${days * 86_400} - (${run}) * 300 - ${seconds}) || ' seconds')`;
  const run = `seq / ${clients}`;
  const client = `'web-' || (seq % ${clients})`;
  // In every run one client in fifty is unreachable, each for three runs, and one in a hundred has a full disk, each
  // for six.
  const away = `(seq % ${clients} + (${run}) / 3) % 50 = 0`;
  const disk = `CASE WHEN (seq % ${clients} + (${run}) / 6) % 100 = 7 THEN 97 ELSE 60 END`;
  try {
    await database.write(async (session) => {
      await session.run(`${numbers(clients)} INSERT INTO clients (name, address, first_seen)
        SELECT 'web-' || seq, 'a' || seq, '2020-01-01 00:00:00.000' FROM n`);
      await session.run(`${numbers(runsADay * days)} INSERT INTO runs (id, program, collector_id, host, scope,
          outcome, config_digest, started_at, finished_at, clients, succeeded, failed, skipped)
        SELECT 'run-' || seq, 'collect', 'c1', 'mon', 'full', 'finished', 'x', ${at('seq', '0')}, ${at('seq', '60')},
          ${clients}, ${clients}, 0, 0 FROM n`);
      await session.run(`${numbers(rows)} INSERT INTO visits (run_id, client, started_at, duration_ms, ok, stage, code,
          message, bytes_in, bytes_out, uploaded)
        SELECT 'run-' || (${run}), ${client}, ${at(run, '10')}, 500, NOT (${away}),
          CASE WHEN ${away} THEN 'connect' END, CASE WHEN ${away} THEN 'connect-timeout' END,
          CASE WHEN ${away} THEN 'no answer' END, 0, 0, 0 FROM n`);
      await session.run(`${numbers(rows)} INSERT INTO stats (id, client, report_id, run_id, observed_at, collected_at,
          received_at, clock_offset_ms, boot_id, hostname, os, uptime_s, cpu_percent, memory_percent, load1, load5, load15,
          disk_percent, processes, cpus, failed_units, probe_errors, unresponsive_mounts, reboot_required)
        SELECT seq + 1, ${client}, 'report-' || seq, 'run-' || (${run}), ${at(run, '11')}, ${at(run, '11')},
          ${at(run, '11')}, 12, 'boot', 'web', 'Debian GNU/Linux 13', 86400, 12.5, 41.7, 0.5, 0.4, 0.3, ${disk}, 180, 4, 0,
          0, 0, 0 FROM n WHERE NOT (${away})`);
      for (const [ordinal, mount] of ['/', '/data', '/boot'].entries()) {
        await session.run(
          `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, fstype, source, scope, mode, size_bytes,
             used_percent, inodes_percent, unresponsive)
           SELECT id, ?, client, observed_at, ?, 'ext4', '/dev/vda' || ?, 'local', 'rw', 270553518080,
             CASE WHEN ? = 1 THEN disk_percent ELSE 40 END, 4.2, 0 FROM stats`,
          [ordinal, mount, ordinal, ordinal],
        );
      }
    });
  } finally {
    await database.close();
  }
}
