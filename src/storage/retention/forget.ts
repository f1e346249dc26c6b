/** src/storage/retention: rollups and expiry. */
import { kindOf } from '../../about/kinds.ts';
import type { Database, SqlRow } from '../sql/database.ts';
import { revokeLeases } from '../alerts/lease.ts';
import { forgetState } from './prune-state.ts';
import { storedAlert } from '../store/alert.ts';
import { changeIds } from '../sql/by-ids.ts';
import { ofReports, tables } from '../sql/tables.ts';
import { deleteRows, type Subject } from './prune-subjects.ts';

/** The number of rows that are deleted together. */
const batch = 500;

const byId = (table: string, id: string, ...others: Subject['deletes']): ClientRows => ({
  select: `SELECT ${id} AS id FROM ${table} WHERE client = ? ORDER BY ${id} LIMIT ${batch}`,
  deletes: [...others, [table, id]],
});

type ClientRows = Pick<Subject, 'select' | 'deletes'>;

/** Tables that may hold many rows of a client, with the tables that refer to them. */
const large: readonly ClientRows[] = [
  byId('stats', 'id', ...ofReports.map((table) => [table, 'stat_id'] as const)),
  byId('visits', 'id'),
  byId('series', 'id'),
  byId('inventory', 'id'),
  byId('inventory_reports', 'report_id'),
  byId('sealed_reports', 'id'),
  byId('alerts', 'id', ['last_notified', 'alert_id'], ['notifications', 'alert_id']),
];
const small = [...tables.filter(({ key }) => key.includes('client')).map(({ name }) => name), 'silences'];

/**
 * Implements RetentionStore.forgetClient. Deletes the row of `clients` last, so that a second call can remove what a
 * crash left. A running alerter has to begin anew, because it may have read rows that are deleted.
 */
export async function forgetClient(database: Database, client: string, signal: AbortSignal): Promise<boolean> {
  const isKnown = async (): Promise<readonly SqlRow[]> =>
    database.read((session) => session.all('SELECT name FROM clients WHERE name = ?', [client]));
  if ((await isKnown()).length === 0) return false;
  for (const rows of large) {
    for (let found = batch; found >= batch;) {
      signal.throwIfAborted();
      found = await database.write(async (session) => {
        await revokeLeases(session);
        const ids = (await session.all(rows.select, [client])).map((row) => row['id'] ?? null);
        await deleteRows(session, rows, ids);
        return ids.length;
      });
    }
  }
  for (let isLeft = true; isLeft;) {
    signal.throwIfAborted();
    isLeft = await database.write((session) => forgetState(session, client, batch));
  }
  await database.write(async (session) => {
    await revokeLeases(session);
    for (const table of small) await session.run(`DELETE FROM ${table} WHERE client = ?`, [client]);
    await session.run('DELETE FROM clients WHERE name = ?', [client]);
  });
  return true;
}

// The run ids stay: visits need them to show whether they belong to a full run.
const forgetSql = "UPDATE runs SET collector_id = '' WHERE program = 'collect' AND collector_id = ?";
const closeSql = `UPDATE alerts SET state = 'resolved', closed_reason = 'forgotten', open_key = NULL,
  sequence = sequence + 1, changed_by_run = NULL`;
const openSql = `SELECT ${storedAlert.columns} FROM alerts WHERE state IN ('pending', 'firing') AND subject = ?`;

/** Implements RetentionStore.forgetCollector. */
export async function forgetCollector(database: Database, collectorId: string): Promise<boolean> {
  // Runs of a forgotten collector have no collector id.
  if (collectorId === '') return false;
  return database.write(async (session) => {
    // A running alerter has read the collector's runs. The lease comes first, as in every transaction of the alerter.
    await revokeLeases(session);
    await session.run('DELETE FROM collectors WHERE id = ?', [collectorId]);
    const runs = await session.run(forgetSql, [collectorId]);
    const open = (await session.all(openSql, [collectorId])).map(storedAlert.read);
    // The subject of the alert of a group is the name of the group.
    const own = open.flatMap((alert) => (kindOf(alert).mayNameCollector ? alert.id : []));
    const alerts = await changeIds('id', own, (where, values) =>
      session.run(`${closeSql}, resolved_at = ${session.dialect.now} WHERE ${where}`, values),
    );
    return runs + alerts > 0;
  });
}
