import type { ProcessedRows, Lease } from '../store/alert-store.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database } from '../sql/database.ts';
import type { Dialect } from '../sql/dialect.ts';
import type { RuleState, Alert } from '../store/alert.ts';
import {
  alertColumns,
  judgedColumns,
  knownAlertColumns,
  knownAlertRow,
  newAlertColumns,
  newAlertRow,
  storedAlert,
} from '../rows/alert-rows.ts';
import { forChunks, insertRows } from '../sql/insert-rows.ts';
import { fenced } from './lease.ts';
import { markProcessed } from './unprocessed.ts';
import type { Session } from '../sql/session.ts';

const openSql = `SELECT ${alertColumns} FROM alerts WHERE state IN ('pending', 'firing')`;

const unacknowledgeSql = `UPDATE alerts SET acknowledged_by = NULL, acknowledged_until = NULL,
  acknowledged_severity = NULL, acknowledged_comment = NULL WHERE acknowledged_severity = 'warning'`;

/** See AlertStore.openAlerts. */
export async function openAlerts(session: Session, clients: readonly string[] | null): Promise<readonly Alert[]> {
  const rows =
    clients === null
      ? await session.all(openSql)
      : await forChunks([...new Set(clients)], (chunk, marks) =>
          session.all(`${openSql} AND client IN (${marks})`, chunk),
        );
  return rows.map(storedAlert).sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
}

/** See AlertStore.ruleStates. */
export async function ruleStates(
  session: Session,
  clients: readonly string[],
): Promise<ReadonlyMap<string, RuleState>> {
  const rows = await forChunks([...new Set(clients)], (chunk, marks) =>
    session.all(`SELECT client, memory FROM judging WHERE client IN (${marks})`, chunk),
  );
  return new Map(rows.map((row) => [String(row['client']), JSON.parse(String(row['memory'])) as RuleState]));
}

/** See AlertStore.saveProcessed. */
export async function saveProcessed(database: Database, lease: Lease, judged: ProcessedRows): Promise<void> {
  const { dialect } = database;
  const maxBytes = await database.maxBatchBytes();
  await fenced(database, lease, async (session) => {
    await markProcessed(session, dialect, 'stats', judged.statIds);
    await markProcessed(session, dialect, 'visits', judged.visitIds);
    await storeAlerts(session, dialect, judged.alerts, maxBytes);
    await endAcknowledgements(session, judged);
    await storeMemories(session, dialect, judged.ruleStates, maxBytes);
  });
}

async function storeAlerts(
  session: Session,
  dialect: Dialect,
  alerts: readonly Alert[],
  maxBytes: number,
): Promise<void> {
  // Those that end go first: a new alert of the same name may begin in the same batch.
  const known = alerts.flatMap((alert) => (alert.id === null ? [] : [knownAlertRow(alert, alert.id)]));
  known.sort((a, b) => Number(a.id) - Number(b.id));
  await insertRows(
    session,
    { table: 'alerts', columns: knownAlertColumns, suffix: changeSuffix(dialect) },
    known,
    maxBytes,
  );
  const fresh = alerts.filter(({ id }) => id === null).map(newAlertRow);
  await insertRows(session, { table: 'alerts', columns: newAlertColumns }, fresh, maxBytes);
}

/** Somebody may have acknowledged a warning after the pass had read it: that ends too when it is critical now. */
async function endAcknowledgements(
  session: Session,
  { alerts, noLongerAcknowledged = [] }: ProcessedRows,
): Promise<void> {
  const critical = alerts.flatMap(({ id, severity }) => (id !== null && severity === 'critical' ? [id] : []));
  await forIds('id', [...new Set([...noLongerAcknowledged, ...critical])], async (where, values) => {
    await session.run(`${unacknowledgeSql} AND ${where}`, values);
    return [];
  });
}

// The name is left as it is: a client may have been renamed. So is the acknowledgement, which is people's.
function changeSuffix(dialect: Dialect): string {
  const incoming = (column: string): string => dialect.incoming(column);
  return dialect.onConflict('id', [
    `open_key = CASE WHEN ${incoming('state')} = 'resolved' THEN NULL ELSE alerts.open_key END`,
    ...judgedColumns.map((column) => `${column} = ${incoming(column)}`),
  ]);
}

async function storeMemories(
  session: Session,
  dialect: Dialect,
  byClient: ProcessedRows['ruleStates'],
  maxBytes: number,
): Promise<void> {
  const columns = ['client', 'memory', 'updated_at'] as const;
  const assignments = columns.slice(1).map((column) => `${column} = ${dialect.incoming(column)}`);
  const [now] = await session.all(`SELECT ${dialect.now} AS now`);
  const rows = [...byClient]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([client, memory]) => ({ client, memory: JSON.stringify(memory), updated_at: now?.['now'] ?? null }));
  await insertRows(
    session,
    { table: 'judging', columns, suffix: dialect.onConflict('client', assignments) },
    rows,
    maxBytes,
  );
}
