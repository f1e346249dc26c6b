import { kindOf } from '../../about/kinds.ts';
import { knownAlertRow, nameColumns, newAlertRow } from '../rows/alert-rows.ts';
import { checksDayBefore, checksOf, disksOf, networksOf } from '../rows/stored-rows.ts';
import { openReports } from '../rows/stored-reports.ts';
import { unprocessedRows } from '../queries/time-pages.ts';
import { changeIds, forIds } from '../sql/by-ids.ts';
import type { Database, Session } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import { forChunks, insertRows, mergeRows, replaceRows } from '../sql/insert-rows.ts';
import { type Alert, type RuleState, ruleStateOf, storedAlert } from '../store/alert.ts';
import type { EvaluationStore, ProcessedRows } from '../store/evaluation-store.ts';
import { databaseNowMs, sqlTime } from '../sql/sql-time.ts';
import type { Lease } from '../store/lease-store.ts';
import { fenced } from './lease.ts';
import { saveForecasts } from './save-forecasts.ts';

const openSql = `SELECT ${storedAlert.columns} FROM alerts WHERE state IN ('pending', 'firing')`;

// By the index on closed_out and resolved_at.
const endedSql = `SELECT ${storedAlert.columns} FROM alerts
  WHERE closed_out = 0 AND resolved_at IS NOT NULL AND state = 'resolved' ORDER BY id`;

const unacknowledgeSql = `UPDATE alerts SET acknowledged_by = NULL, acknowledged_until = NULL,
  acknowledged_severity = NULL, acknowledged_comment = NULL, acknowledged_at = NULL
  WHERE acknowledged_by IS NOT NULL`;

export function createEvaluationStore(database: Database): EvaluationStore {
  return {
    unprocessed: (limit, after = null, figures) =>
      database.read((session) => unprocessedRows(session, limit, after, figures)),
    disksOf: (statIds) => database.read((session) => disksOf(session, statIds)),
    checksOf: (statIds) => database.read((session) => checksOf(session, statIds)),
    checksDayBefore: (rows) => database.read((session) => checksDayBefore(session, rows)),
    networksOf: (statIds) => database.read((session) => networksOf(session, statIds)),
    reportsOf: (statIds) => openReports(database, statIds),
    openAlerts: (clients) => database.read((session) => openAlerts(session, clients)),
    endedAlerts: () => database.read(async (session) => (await session.all(endedSql)).map(storedAlert.read)),
    ruleStates: (clients) => database.read((session) => ruleStates(session, clients)),
    saveProcessed: (lease, processed) => saveProcessed(database, lease, processed),
  };
}

async function openAlerts(session: Session, clients: readonly string[] | null): Promise<readonly Alert[]> {
  const rows =
    clients === null
      ? await session.all(openSql)
      : await forChunks([...new Set(clients)], (chunk, marks) =>
          session.all(`${openSql} AND client IN (${marks})`, chunk),
        );
  return rows.map(storedAlert.read).sort((a, b) => a.id - b.id);
}

async function ruleStates(session: Session, clients: readonly string[]): Promise<ReadonlyMap<string, RuleState>> {
  const rows = await forChunks([...new Set(clients)], (chunk, marks) =>
    session.all(`SELECT client, state FROM rule_state WHERE client IN (${marks})`, chunk),
  );
  return new Map(
    rows.flatMap((row) => {
      const state = ruleStateOf(row['state']);
      return state === null ? [] : [[String(row['client']), state] as const];
    }),
  );
}

async function saveProcessed(database: Database, lease: Lease, processed: ProcessedRows): Promise<void> {
  await fenced(database, lease, async (session) => {
    await markProcessed(session, 'stats', processed.statIds);
    await markProcessed(session, 'visits', processed.visitIds);
    await wantStates(session, processed.alerts);
    await storeAlerts(session, processed.alerts);
    await endAcknowledgements(session, processed);
    await storeRuleStates(session, processed.ruleStates);
    if (processed.forecasts !== undefined) await saveForecasts(session, processed.forecasts);
  });
}

/**
 * Marks exactly these rows. Throws StorageFault, which undoes the transaction, if another alerter has marked one of
 * them or one is missing. (`processed_at IS NULL AND id <= ?` would mark rows that nobody read: an id is assigned
 * before its row is committed.)
 */
export async function markProcessed(
  session: Session,
  table: 'stats' | 'visits',
  ids: readonly number[],
): Promise<void> {
  const sql = `UPDATE ${table} SET processed_at = ${session.dialect.now} WHERE processed_at IS NULL`;
  const marked = await changeIds('id', ids, (where, values) => session.run(`${sql} AND ${where}`, values));
  if (marked === ids.length) return;
  throw new StorageFault(
    'broken',
    `${ids.length - marked} of ${ids.length} rows of ${table} were processed by another`,
  );
}

/** Asks for a state report of each client with an alert that begins to fire now. */
async function wantStates(session: Session, alerts: readonly Alert[]): Promise<void> {
  const firing = alerts.filter((alert) => kindOf(alert).followsRows && alert.state === 'firing');
  const known = firing.flatMap(({ id }) => id ?? []);
  const pending = await forIds('id', known, (where, values) =>
    session.all(`SELECT client FROM alerts WHERE ${where} AND state = 'pending'`, values),
  );
  const fresh = firing.flatMap(({ id, client }) => (id === null ? [client] : []));
  const clients = [...new Set([...fresh, ...pending.map(({ client }) => String(client))])].sort();
  await forChunks(clients, async (chunk, marks) => [
    await session.run(`UPDATE clients SET state_wanted_at = ${session.dialect.now} WHERE name IN (${marks})`, chunk),
  ]);
}

async function storeAlerts(session: Session, alerts: readonly Alert[]): Promise<void> {
  // Alerts that end are stored first: a new alert of the same key may begin in the same batch.
  const known = alerts.flatMap((alert) => (alert.id === null ? [] : [knownAlertRow(alert, alert.id)]));
  known.sort((a, b) => Number(a['id']) - Number(b['id']));
  const evaluated = Object.keys(known[0] ?? {}).filter((column) => !nameColumns.includes(column));
  // The client column stays: the client may have been renamed. The acknowledgement stays too: people own it.
  await mergeRows(session, 'alerts', ['id'], known, (incoming) => [
    `open_key = CASE WHEN ${incoming('state')} = 'resolved' THEN NULL ELSE alerts.open_key END`,
    ...evaluated.map((column) => `${column} = ${incoming(column)}`),
  ]);
  const fresh = alerts.filter(({ id }) => id === null).map(newAlertRow);
  await insertRows(session, 'alerts', fresh);
}

/**
 * Ends the acknowledgements that the pass ended, and those of warnings that are critical now, also if they were made
 * after the pass had read the alert. Alerts of groups and of their members are acknowledged as critical.
 */
async function endAcknowledgements(
  session: Session,
  { alerts, noLongerAcknowledged = [] }: ProcessedRows,
): Promise<void> {
  const critical = alerts.flatMap(({ id, severity }) => (id !== null && severity === 'critical' ? [id] : []));
  await changeIds('id', noLongerAcknowledged, (where, values) =>
    session.run(`${unacknowledgeSql} AND ${where}`, values),
  );
  await changeIds('id', critical, (where, values) =>
    session.run(`${unacknowledgeSql} AND acknowledged_severity = 'warning' AND ${where}`, values),
  );
}

async function storeRuleStates(session: Session, byClient: ProcessedRows['ruleStates']): Promise<void> {
  const updated_at = sqlTime(await databaseNowMs(session));
  const rows = [...byClient]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([client, state]) => ({ client, state: JSON.stringify(state), updated_at }));
  await replaceRows(session, 'rule_state', ['client'], rows);
}
