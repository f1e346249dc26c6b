import type { Database, Session } from '../sql/database.ts';
import { replaceRows } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { StateDiskFact, StateDiskReport } from '../store/fleet-store.ts';

const longestName = 255;

/** Implements ReportStore.saveStateDisks. */
export async function saveStateDisks(
  database: Database,
  { host, collectorId, atMs, disks }: StateDiskReport,
): Promise<readonly StateDiskFact[]> {
  const rows = disks.map((disk) => ({
    host: host.slice(0, longestName),
    path: disk.path.slice(0, longestName),
    collector_id: collectorId,
    size_bytes: Math.round(disk.sizeBytes),
    available_bytes: Math.round(disk.availableBytes),
    free_percent: disk.freePercent,
    observed_at: sqlTime(atMs),
  }));
  return database.write(async (session) => {
    const before = await stateDiskFacts(session, 0);
    await replaceRows(session, 'state_disks', ['host', 'path'], rows);
    return before.filter((fact) => rows.some((row) => row.host === fact.host && row.path === fact.path));
  });
}

/** Implements FleetStore.stateDisks. */
export async function stateDiskFacts(session: Session, sinceMs: number): Promise<readonly StateDiskFact[]> {
  const sql = `SELECT host, path, size_bytes, available_bytes, free_percent, observed_at FROM state_disks
    WHERE observed_at >= ? ORDER BY host, path`;
  return (await session.all(sql, [sqlTime(sinceMs)])).map((row) => ({
    host: String(row['host']),
    path: String(row['path']),
    sizeBytes: Number(row['size_bytes']),
    availableBytes: Number(row['available_bytes']),
    freePercent: Number(row['free_percent']),
    observedAtMs: fromSqlTime(row['observed_at']) ?? 0,
  }));
}
