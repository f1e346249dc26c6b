import type { AlertFilter, SeenClient, SeriesColumn, SeriesPoint, SentNotification } from '../store/alert-store.ts';
import { numberOrNull } from '../rows/client-facts.ts';
import type { Alert, LastNotified, Transition } from '../store/alert.ts';
import { alertColumns, storedAlert, storedLastNotified } from '../rows/alert-rows.ts';
import { forIds } from '../sql/by-ids.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlRow, SqlValue } from '../sql/session.ts';
import type { Program } from '../store/run.ts';
import type { RunFact } from '../store/run.ts';

/** A day of reports each minute is 1,440; a chart has no use for more than this. */
const maxPoints = 20_000;

const runColumns =
  'id, program, collector_id, host, scope, outcome, started_at, finished_at, clients, succeeded, failed';
const runsSql = `SELECT ${runColumns} FROM runs WHERE program = ? AND started_at >= ? ORDER BY started_at DESC, id DESC`;
const lastRunSql = `SELECT ${runColumns} FROM runs WHERE program = 'collect' AND collector_id = ? AND scope = 'full'
  AND outcome <> 'overlapped' ORDER BY started_at DESC, id DESC LIMIT 1`;
// What waits sealed has been reported too, whatever it says.
const sealedSql = 'SELECT client, MAX(received_at) AS newest FROM sealed_reports GROUP BY client';
const clientsSql = 'SELECT name, first_seen, last_visit_at, last_report_at FROM clients ORDER BY name';
const toldSinceSql = `SELECT a.client, a.rule, a.subject, n.recipient, n.transition, m.created_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id JOIN alerts a ON a.id = n.alert_id
  WHERE m.created_at >= ? AND m.replaced_by IS NULL ORDER BY m.created_at, n.id`;

type Source = 'stats' | 'disk_stats';
const sources: Readonly<Record<SeriesColumn, Source>> = {
  cpu_percent: 'stats',
  memory_percent: 'stats',
  swap_percent: 'stats',
  load5: 'stats',
  disk_percent: 'stats',
  processes: 'stats',
  used_percent: 'disk_stats',
  inodes_percent: 'disk_stats',
};

const programs: readonly Program[] = ['collect', 'alert', 'ingest'];

/** See AlertStore.runs. */
export async function runFacts(session: Session, program: Program, sinceMs: number): Promise<readonly RunFact[]> {
  return (await session.all(runsSql, [program, sqlTime(sinceMs)])).map(runFact);
}

/** See AlertStore.lastRunOf. */
export async function lastRunOf(session: Session, collectorId: string): Promise<RunFact | null> {
  const [row] = await session.all(lastRunSql, [collectorId]);
  return row === undefined ? null : runFact(row);
}

function runFact(row: SqlRow): RunFact {
  return {
    id: String(row['id']),
    program: programs.find((program) => program === row['program']) ?? 'collect',
    collectorId: String(row['collector_id']),
    host: String(row['host']),
    scope: row['scope'] === 'full' ? 'full' : 'filtered',
    outcome: String(row['outcome']),
    startedAtMs: fromSqlTime(row['started_at']) ?? 0,
    finishedAtMs: fromSqlTime(row['finished_at']),
    clients: numberOrNull(row['clients']),
    succeeded: numberOrNull(row['succeeded']),
    failed: numberOrNull(row['failed']),
  };
}

/** See AlertStore.seenClients. */
export async function seenClients(session: Session): Promise<readonly SeenClient[]> {
  const sealed = new Map(
    (await session.all(sealedSql)).map((row) => [String(row['client']), fromSqlTime(row['newest']) ?? -Infinity]),
  );
  return (await session.all(clientsSql)).map((row) => ({
    name: String(row['name']),
    firstSeenMs: fromSqlTime(row['first_seen']) ?? 0,
    lastVisitAtMs: fromSqlTime(row['last_visit_at']),
    lastReportAtMs: newerOf(fromSqlTime(row['last_report_at']), sealed.get(String(row['name']))),
  }));
}

function newerOf(opened: number | null, sealed: number | undefined): number | null {
  return sealed === undefined ? opened : Math.max(opened ?? -Infinity, sealed);
}

/** See AlertStore.alertsOf. */
export async function alertsOf(session: Session, filter: AlertFilter): Promise<readonly Alert[]> {
  const conditions = ['1 = 1'];
  const values: SqlValue[] = [];
  if (filter.openOnly) conditions.push("state IN ('pending', 'firing')");
  if (filter.client !== undefined) {
    conditions.push('client = ?');
    values.push(filter.client);
  }
  if (filter.rule !== undefined) {
    conditions.push('rule = ?');
    values.push(filter.rule);
  }
  const sql = `SELECT ${alertColumns} FROM alerts WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ?`;
  return (await session.all(sql, [...values, String(filter.limit)])).map(storedAlert);
}

/** See AlertStore.notificationsOf. */
export async function notificationsOf(session: Session, alertIds: readonly number[]): Promise<readonly LastNotified[]> {
  const rows = await forIds('alert_id', alertIds, (where, values) =>
    session.all(
      `SELECT alert_id, recipient, state, severity, sequence, told_at FROM told WHERE ${where}
       ORDER BY alert_id, recipient`,
      values,
    ),
  );
  return rows.map(storedLastNotified).sort((a, b) => a.alertId - b.alertId);
}

/** See AlertStore.notifiedSince. */
export async function notifiedSince(session: Session, sinceMs: number): Promise<readonly SentNotification[]> {
  return (await session.all(toldSinceSql, [sqlTime(sinceMs)])).map((row) => ({
    client: String(row['client']),
    rule: String(row['rule']),
    subject: String(row['subject']),
    recipient: String(row['recipient']),
    transition: row['transition'] as Transition,
    notifiedAtMs: fromSqlTime(row['created_at']) ?? 0,
  }));
}

/** See AlertStore.series. */
export async function series(
  session: Session,
  client: string,
  column: SeriesColumn,
  mount: string | null,
  sinceMs: number,
): Promise<readonly SeriesPoint[]> {
  const table = sources[column];
  if (table === 'disk_stats' && mount === null) return [];
  const ofMount = table === 'disk_stats' ? ' AND mount = ?' : '';
  const sql = `SELECT observed_at, ${column} AS value FROM ${table} WHERE client = ? AND observed_at >= ?${ofMount}
    ORDER BY observed_at LIMIT ?`;
  const values = [client, sqlTime(sinceMs), ...(ofMount === '' ? [] : [mount]), String(maxPoints)];
  return (await session.all(sql, values)).map((row) => ({
    atMs: fromSqlTime(row['observed_at']) ?? 0,
    value: numberOrNull(row['value']),
  }));
}
