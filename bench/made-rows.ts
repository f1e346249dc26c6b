/** Makes rows by SQL: a fleet's rows of weeks within minutes. */
import type { StorageConfig } from '../src/config/config.ts';
import { openDatabase } from '../src/storage/dialects/open-database.ts';
import { openStorage } from '../src/storage/open-storage.ts';
import { sqlTime } from '../src/storage/sql/sql-time.ts';
import type { Session } from '../src/storage/sql/database.ts';
import { minuteMs } from '../src/platform/units.ts';

export interface MadeRows {
  readonly clients: number;
  /** The rows of `stats` for each client: one a minute, the last one now. */
  readonly rowsPerClient: number;
  /** The mounts of each row: none or three. */
  readonly mounts: readonly string[];
  readonly processed: boolean;
  /** The number of visits of each client, one with each of its newest rows. */
  readonly visitsPerClient: number;
}

/** Runs the work with a writing session on a database of its own. */
export async function withSession(config: StorageConfig, work: (session: Session) => Promise<unknown>): Promise<void> {
  const database = await openDatabase({ storage: config, program: 'collect' });
  try {
    await database.migrate(work);
  } finally {
    await database.close();
  }
}

/** Makes the tables and the rows of clients web-0, web-1 ... */
export async function makeRows(config: StorageConfig, made: MadeRows): Promise<void> {
  await (await openStorage({ storage: config, migrate: true, program: 'collect' })).close();
  const { clients, rowsPerClient, mounts, visitsPerClient } = made;
  const sqlite = config.kind === 'sqlite';
  const numbers = (count: number): string =>
    sqlite
      ? `(WITH RECURSIVE n(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${count - 1}) ` +
        'SELECT seq FROM n)'
      : `(SELECT seq FROM seq_0_to_${count - 1})`;
  const minutes = sqlite ? `seq / ${clients}` : `seq DIV ${clients}`;
  const at = sqlite
    ? `strftime('%Y-%m-%d %H:%M:%f', ?, (${minutes}) || ' minutes')`
    : `TIMESTAMPADD(MINUTE, ${minutes}, ?)`;
  const text = (a: string, b: string): string => (sqlite ? `${a} || ${b}` : `CONCAT(${a}, ${b})`);
  const client = text("'web-'", `(seq % ${clients})`);
  // Ids ascend, so that their index grows at its end.
  const padded = sqlite ? `substr('000000000000' || seq, -12)` : `LPAD(seq, 12, '0')`;
  const startMs = Date.now() - rowsPerClient * minuteMs;
  const from = sqlTime(startMs);
  await withSession(config, async (session) => {
    // The cache has a gigabyte: with less, the indexes of ten million rows are read and written many times.
    if (sqlite) await session.all('PRAGMA cache_size = -1000000');
    await session.run(
      `INSERT INTO clients (name, address, first_seen, last_visit_at, last_report_at, reader)
       SELECT ${text("'web-'", 'seq')}, ${text("'10.0.0.'", 'seq')}, ?, ?, ?, 'node' FROM ${numbers(clients)} AS numbers`,
      [from, sqlTime(Date.now()), sqlTime(Date.now())],
    );
    await session.run(
      `INSERT INTO stats (client, report_id, run_id, observed_at, collected_at, received_at, clock_offset_ms, boot_id,
         hostname, os, uptime_s, cpu_percent, memory_percent, swap_percent, load1, load5, load15, disk_percent, processes,
         cpus, failed_units, probe_errors, unresponsive_mounts, reboot_required, processed_at)
       SELECT ${client}, ${text("'5f0c2a6e-1f5b-4bb1-9d51-'", padded)}, '0c9e7a52-6c43-4a83-8a4c-1e63a3f3d0a1',
         at, at, at, 12, 'a3c6e2a0-46de-4a34-9c7f-0b5f3c8d7e11', 'web', 'Debian GNU/Linux 12', 86400, 12.5, 41.7, NULL,
         0.5, 0.4, 0.3, 91.5, 180, 4, 0, 0, 0, 0, ${made.processed ? 'at' : 'NULL'}
       FROM (SELECT seq, ${at} AS at FROM ${numbers(clients * rowsPerClient)} AS numbers) AS timed`,
      [from],
    );
    for (const [ordinal, mount] of mounts.entries()) {
      await session.run(
        `INSERT INTO disk_stats (stat_id, ordinal, client, observed_at, mount, fstype, source, scope, mode, size_bytes,
           used_bytes, available_bytes, used_percent, inodes_percent, unresponsive)
         SELECT id, ?, client, observed_at, ?, 'ext4', '/dev/vda1', 'local', 'rw', 270553518080, 170553518080, 86000000000,
           63.1, 4.2, 0 FROM stats`,
        [ordinal, mount],
      );
    }
    if (visitsPerClient === 0) return;
    await session.run(
      `INSERT INTO visits (run_id, client, started_at, duration_ms, ok, connect_ms, bytes_in, bytes_out, uploaded,
         processed_at)
       SELECT ${text("'0c9e7a52-'", `(${minutes})`)}, ${client}, ${at}, 350, 1, 20, 2048, 900, 0, ${at}
       FROM ${numbers(clients * visitsPerClient)} AS numbers`,
      [sqlTime(Date.now() - visitsPerClient * minuteMs), sqlTime(Date.now() - visitsPerClient * minuteMs)],
    );
    await insertRun(session, clients);
  });
}

async function insertRun(session: Session, clients: number): Promise<void> {
  await session.run(
    `INSERT INTO runs (id, program, outcome, collector_id, host, scope, config_digest, started_at, finished_at, clients,
       succeeded, failed, skipped)
     VALUES ('0c9e7a52-0', 'collect', 'finished', 'bench', 'bench', 'full', 'x', ?, ?, ?, ?, 0, 0)`,
    [sqlTime(Date.now() - 1000), sqlTime(Date.now()), String(clients), String(clients)],
  );
}
