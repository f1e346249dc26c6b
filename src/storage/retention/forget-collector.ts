import type { Database } from '../sql/database.ts';
import { revokeLeases } from '../alerts/lease.ts';

// The run ids stay: visits say by them whether they were of a full run.
const forgetSql = "UPDATE runs SET collector_id = '' WHERE program = 'collect' AND collector_id = ?";
const closeSql = `UPDATE alerts SET state = 'resolved', closed_reason = 'forgotten', open_key = NULL,
  sequence = sequence + 1, changed_by_run = NULL`;
const openOnes = "client = '' AND subject = ? AND state IN ('pending', 'firing')";

/** See RetentionStore.forgetCollector. */
export async function forgetCollector(database: Database, collectorId: string): Promise<boolean> {
  // Runs of a forgotten collector have no collector id.
  if (collectorId === '') return false;
  const { now } = database.dialect;
  return database.write(async (session) => {
    // An alerter at work has read its runs. First, as every transaction of the alerter begins with its lease too.
    await revokeLeases(session);
    const runs = await session.run(forgetSql, [collectorId]);
    const alerts = await session.run(`${closeSql}, resolved_at = ${now} WHERE ${openOnes}`, [collectorId]);
    return runs + alerts > 0;
  });
}
