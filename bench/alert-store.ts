import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import type { AlertStore, Lease } from '../src/storage/alert-store.ts';
import type { Session } from '../src/storage/database.ts';
import type { ClientMemory } from '../src/storage/episode.ts';
import { openDatabase } from '../src/storage/open-database.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { sqliteConfig } from '../test/storage/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb } from '../test/support/mariadb.ts';

const clients = 1000;
const rows = 1_000_000;
const batchSizes = [4000, 16_000] as const;

/** How fast a backlog is read and marked as treated: narrow columns and mounts, and a memory of every client in it. */
export async function benchAlertStore(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-bench-'));
  try {
    await benchOne('SQLite', sqliteConfig(path.join(dir, 'fleet.db')));
  } finally {
    rmSync(dir, { recursive: true });
  }
  if (skipWithoutMariadb !== false) {
    console.log(`MariaDB: ${skipWithoutMariadb}`);
    return;
  }
  const mariadb = await startMariadb();
  try {
    await benchOne('MariaDB', (await mariadb.createDatabase()).storage);
  } finally {
    await mariadb.stop();
  }
}

async function benchOne(name: string, config: StorageConfig): Promise<void> {
  const storage = await openStorage({ storage: config, migrate: true, program: 'alert' });
  try {
    await fill(config);
    const lease = await storage.alerts.takeLease('bench', 'bench');
    if (lease === null) throw new Error('no lease');
    for (const batch of batchSizes) {
      await again(config);
      await treat(name, storage.alerts, lease, batch);
    }
    const startedAt = performance.now();
    for (let asked = 0; asked < 100; asked += 1) await storage.alerts.untreated(1000);
    console.log(`${name}: ${((performance.now() - startedAt) / 100).toFixed(2)} ms to find that nothing is left`);
  } finally {
    await storage.close();
  }
}

async function treat(name: string, alerts: AlertStore, lease: Lease, batchRows: number): Promise<void> {
  const spent = { read: 0, disks: 0, memories: 0, save: 0 };
  const timed = async <T>(what: keyof typeof spent, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const result = await work();
    spent[what] += performance.now() - startedAt;
    return result;
  };
  const cpu = process.cpuUsage();
  let maxRssBytes = 0;
  let treated = 0;
  for (let more = true; more;) {
    const batch = await timed('read', () => alerts.untreated(batchRows));
    const statIds = batch.reports.map(({ id }) => id);
    await timed('disks', () => alerts.disksOf(statIds));
    const names = [...new Set(batch.reports.map(({ client }) => client))];
    const before = await timed('memories', async () => {
      await alerts.openEpisodes(names);
      return alerts.memories(names);
    });
    const memories = new Map(names.map((client) => [client, next(before.get(client))]));
    await timed('save', () => alerts.saveJudged(lease, { statIds, visitIds: [], episodes: [], memories }));
    treated += statIds.length;
    more = batch.more;
    maxRssBytes = Math.max(maxRssBytes, process.memoryUsage.rss());
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const parts = Object.entries(spent).map(([what, ms]) => `${what} ${seconds(ms)}`);
  const total = Object.values(spent).reduce((sum, ms) => sum + ms, 0);
  console.log(
    `${name}, ${treated} rows, ${batchRows} a batch: ${seconds(total)} (${parts.join(', ')}), ` +
      `${seconds((user + system) / 1000)} of it our CPU, ${Math.round(maxRssBytes / 1048576)} MB`,
  );
}

function next(memory: ClientMemory | undefined): ClientMemory {
  return { newestReportMs: 0, newestVisitMs: null, bootId: 'boot', rows: (memory?.rows ?? 0) + 1, changes: {} };
}

async function again(config: StorageConfig): Promise<void> {
  await withSession(config, (session) => session.run('UPDATE stats SET processed_at = NULL'));
}

/** Every client each minute, three mounts each. */
export async function fill(config: StorageConfig): Promise<void> {
  const sqlite = config.kind === 'sqlite';
  const numbers = sqlite
    ? `(WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${rows}) SELECT seq FROM n)`
    : `seq_1_to_${rows}`;
  const minutes = sqlite ? `seq / ${clients}` : `seq DIV ${clients}`;
  const at = sqlite
    ? `strftime('%Y-%m-%d %H:%M:%f', '2026-11-01', (${minutes}) || ' minutes')`
    : `TIMESTAMPADD(MINUTE, ${minutes}, '2026-11-01')`;
  const text = (a: string, b: string): string => (sqlite ? `${a} || ${b}` : `CONCAT(${a}, ${b})`);
  await withSession(config, async (session) => {
    await session.run(
      `INSERT INTO stats (client, report_id, run_id, observed_at, collected_at, received_at, clock_offset_ms, boot_id,
         hostname, os, uptime_s, cpu_percent, memory_percent, swap_percent, load1, load5, load15, disk_percent, processes,
         cpus, failed_units, probe_errors, unresponsive_mounts, reboot_required)
       SELECT ${text("'web-'", `(seq % ${clients})`)}, ${text("'5f0c2a6e-1f5b-4bb1-9d51-'", 'seq')},
         '0c9e7a52-6c43-4a83-8a4c-1e63a3f3d0a1', ${at}, ${at}, ${at}, 12, 'a3c6e2a0-46de-4a34-9c7f-0b5f3c8d7e11', 'web',
         'Debian GNU/Linux 12', 86400, 12.5, 41.7, NULL, 0.5, 0.4, 0.3, 91.5, 180, 4, 0, 0, 0, 0 FROM ${numbers} AS numbers`,
    );
    for (const [ordinal, mount] of ['/', '/data', '/boot'].entries()) {
      await session.run(
        `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, fstype, source, scope, mode, size_bytes,
           used_bytes, available_bytes, used_percent, inodes_percent, unresponsive)
         SELECT id, ${ordinal}, client, observed_at, '${mount}', 'ext4', '/dev/vda${ordinal}', 'local', 'rw', 270553518080,
           170553518080, 86000000000, 63.1, 4.2, 0 FROM stats`,
      );
    }
  });
}

async function withSession(config: StorageConfig, work: (session: Session) => Promise<unknown>): Promise<void> {
  const database = await openDatabase({ storage: config, program: 'collect' });
  try {
    await database.migrate(work);
  } finally {
    await database.close();
  }
}
