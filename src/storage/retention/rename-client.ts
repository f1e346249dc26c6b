import { alertKey } from '../rows/alert-rows.ts';
import { changeIds } from '../sql/by-ids.ts';
import type { Database, Session } from '../sql/database.ts';
import { mergeSelected, placeholders } from '../sql/insert-rows.ts';
import { revokeLeases } from '../alerts/lease.ts';
import { addedVisits, visitDayKey, visitSums } from './prune-visits.ts';
import { renameState } from './prune-state.ts';
import { rollupColumns, rollupSources, rollupTable } from '../sql/rollups.ts';
import { mergeRollups } from './rollup.ts';

const tables = [
  'stats',
  'disk_stats',
  'network_stats',
  'check_stats',
  'log_lines',
  'visits',
  'inventory',
  'inventory_reports',
  'disk_levels',
  'forecasts',
] as const;
const existsSql = 'SELECT name FROM clients WHERE name = ?';

// A run visits a client under one name. If visits of both names exist nevertheless, the new name's visit stays.
const dropDoubleVisitsSql = `DELETE FROM visits WHERE client = ? AND run_id IN
  (SELECT run_id FROM (SELECT run_id FROM visits WHERE client = ?) AS twice)`;

// Each name has levels of the days on which it was visited. If both names have a day, the new name's levels stay.
const dropDoubleLevelsSql = `DELETE FROM disk_levels WHERE client = ? AND (day, mount) IN
  (SELECT day, mount FROM (SELECT day, mount FROM disk_levels WHERE client = ?) AS twice)`;

/** Implements RetentionStore.renameClient in one transaction: a second call finds all the rows or none. */
export async function renameClient(database: Database, from: string, to: string): Promise<boolean> {
  if (from === to) return false;
  const known = await database.read((session) => session.all(existsSql, [from]));
  if (known.length === 0) return false;
  return database.write(async (session) => {
    const locked = await session.all(existsSql + session.dialect.forUpdate, [from]);
    if (locked.length === 0) return false;
    // A running alerter has read rows under the old name, and the next pass reads them again. The lease comes first, as
    // in every transaction of the alerter.
    await revokeLeases(session);
    await session.run(dropDoubleVisitsSql, [from, to]);
    await session.run(dropDoubleLevelsSql, [from, to]);
    // The new name's forecasts cover few days, and the next forecasts come within the hour.
    await session.run('DELETE FROM forecasts WHERE client = ?', [to]);
    // config.xml defines the labels of the new name.
    await session.run('DELETE FROM client_labels WHERE client = ?', [from]);
    await renameSeries(session, from, to);
    for (const table of tables) await session.run(`UPDATE ${table} SET client = ? WHERE client = ?`, [to, from]);
    await renameRollups(session, from, to);
    await renameVisitDays(session, from, to);
    await renameState(session, from, to);
    await session.run('UPDATE silences SET client = ? WHERE client = ?', [to, from]);
    await renameMemory(session, from, to);
    await renameAlerts(session, from, to);
    await mergeClients(session, from, to);
    return true;
  });
}

const doubleSeriesSql = `SELECT old.id AS old_id, own.id AS own_id FROM series old
  JOIN series own ON own.client = ? AND own.series_key = old.series_key WHERE old.client = ?`;

// A series that both names have becomes one.
async function renameSeries(session: Session, from: string, to: string): Promise<void> {
  const doubles = await session.all(doubleSeriesSql, [to, from]);
  if (doubles.length > 0) {
    const pairs = doubles.flatMap(({ old_id: old = null, own_id: own = null }) => [old, own]);
    const chosen = `CASE series_id ${doubles.map(() => 'WHEN ? THEN ?').join(' ')} ELSE series_id END`;
    const olds = doubles.map((row) => row['old_id'] ?? null);
    const isOld = `series_id IN (${placeholders(olds.length)})`;
    // By id, because MariaDB would answer a subquery by reading all samples.
    const reports = await session.all('SELECT id FROM stats WHERE client = ?', [from]);
    await changeIds(
      'stat_id',
      reports.map(({ id }) => Number(id)),
      (where, values) =>
        session.run(`UPDATE samples SET series_id = ${chosen} WHERE ${where} AND ${isOld}`, [
          ...pairs,
          ...values,
          ...olds,
        ]),
    );
    for (const table of ['samples_hourly', 'samples_daily']) {
      const sql = `UPDATE ${table} SET series_id = ${chosen} WHERE client = ? AND ${isOld}`;
      await session.run(sql, [...pairs, from, ...olds]);
    }
    await session.run(`DELETE FROM series WHERE id IN (${placeholders(olds.length)})`, olds);
  }
  await session.run('UPDATE series SET client = ? WHERE client = ?', [to, from]);
}

// Merges rows of one hour that both names have.
async function renameRollups(session: Session, from: string, to: string): Promise<void> {
  for (const source of rollupSources) {
    for (const span of ['hour', 'day'] as const) {
      const table = rollupTable(source, span);
      const [, ...others] = rollupColumns(source, span);
      const select = `SELECT ? AS client, ${others.map((column) => `old.${column}`).join(', ')}
        FROM ${table} old WHERE old.client = ?`;
      await mergeRollups(session, source, span, { select, values: [to, from] });
      await session.run(`DELETE FROM ${table} WHERE client = ?`, [from]);
    }
  }
}

// Adds the visits of one day under both names.
async function renameVisitDays(session: Session, from: string, to: string): Promise<void> {
  const columns = ['day', 'visits', ...visitSums];
  const select = `SELECT ? AS client, ${columns.map((column) => `old.${column}`).join(', ')}
    FROM visits_daily old WHERE old.client = ?`;
  const rows = { columns: ['client', ...columns], select, values: [to, from] };
  await mergeSelected(session, 'visits_daily', visitDayKey, rows, addedVisits);
  await session.run('DELETE FROM visits_daily WHERE client = ?', [from]);
}

// Keeps the new name's rule state if both names have one.
async function renameMemory(session: Session, from: string, to: string): Promise<void> {
  const own = await session.all('SELECT client FROM rule_state WHERE client = ?', [to]);
  if (own.length > 0) await session.run('DELETE FROM rule_state WHERE client = ?', [from]);
  else await session.run('UPDATE rule_state SET client = ? WHERE client = ?', [to, from]);
}

async function renameAlerts(session: Session, from: string, to: string): Promise<void> {
  const alerts = await session.all('SELECT id, rule, subject, open_key FROM alerts WHERE client = ?', [from]);
  for (const alert of alerts) {
    const key = alertKey(to, String(alert['rule']), String(alert['subject']));
    const id = Number(alert['id']);
    const isOpen = alert['open_key'] !== null;
    const rival = isOpen ? await session.all('SELECT id FROM alerts WHERE open_key = ?', [key]) : [];
    if (rival.length > 0) {
      await session.run(
        `UPDATE alerts SET open_key = NULL, state = 'resolved', resolved_at = ${session.dialect.now},
           closed_reason = 'superseded', closed_out = 1
         WHERE id = ?`,
        [id],
      );
    }
    const openKey = isOpen && rival.length === 0 ? key : null;
    await session.run('UPDATE alerts SET client = ?, alert_key = ?, open_key = ? WHERE id = ?', [to, key, openKey, id]);
  }
}

async function mergeClients(session: Session, from: string, to: string): Promise<void> {
  const there = await session.all('SELECT name, first_seen, last_report_at FROM clients WHERE name IN (?, ?)', [
    from,
    to,
  ]);
  if (there.length === 1) {
    await session.run('UPDATE clients SET name = ? WHERE name = ?', [to, from]);
    return;
  }
  // Times are text whose order is that of time.
  const firstSeen = there.map((row) => String(row['first_seen'])).sort()[0] ?? null;
  const reports = there.flatMap((row) => (row['last_report_at'] === null ? [] : [String(row['last_report_at'])]));
  await session.run('UPDATE clients SET first_seen = ?, last_report_at = ? WHERE name = ?', [
    firstSeen,
    reports.sort().at(-1) ?? null,
    to,
  ]);
  await session.run('DELETE FROM clients WHERE name = ?', [from]);
}
