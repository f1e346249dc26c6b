import type { Database, Session } from '../sql/database.ts';
import { replaceRows } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { type StateDiskFact, stateDiskFact, type StateDiskReport } from '../store/fleet-store.ts';

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
  const sql = `SELECT ${stateDiskFact.columns} FROM state_disks WHERE observed_at >= ? ORDER BY host, path`;
  return (await session.all(sql, [sqlTime(sinceMs)])).map(stateDiskFact.read);
}
