import type { Dialect, Session, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { clientStatus, type ClientStatus } from '../store/storage.ts';
import { newestBefore, newestOf } from './newest-rows.ts';

/** The number of clients that are read at a time: the rows of 10,000 would take 15 MB. */
const clientsOfPage = 250;

/** Returns SQL for clients behind a name with their newest rows and visits, up to a limit. */
export const clientsSql = (dialect: Dialect): string =>
  `${statusSql((table) => newestOf(dialect, table, 'c.name'), 'c.name > ?')} LIMIT ?`;

/** Returns every client with its newest row and its newest visit; with a time, the newest before that time. */
export async function clientStatuses(session: Session, beforeMs: number | null): Promise<readonly ClientStatus[]> {
  const past = beforeMs === null ? [] : [sqlTime(beforeMs), sqlTime(beforeMs)];
  const newest = (table: Newest): string => newestBefore(table, 'c.name');
  const sql = beforeMs === null ? clientsSql(session.dialect) : `${statusSql(newest, 'c.name > ?')} LIMIT ?`;
  const read = beforeMs === null ? clientStatus.read : pastStatus;
  const share = sharedTexts();
  const statuses: ClientStatus[] = [];
  for (;;) {
    const rows = await session.all(sql, [...past, statuses.at(-1)?.client ?? '', String(clientsOfPage)]);
    for (const row of rows) statuses.push(share(read(row)));
    if (rows.length < clientsOfPage) return statuses;
  }
}

/** Returns a function that makes statuses share equal texts: a fleet has few systems, mounts and faults. */
function sharedTexts(): (status: ClientStatus) => ClientStatus {
  const known = new Map<string | null, string | null>();
  const shared = (text: string | null): string | null => {
    const found = known.get(text);
    if (found === undefined) known.set(text, text);
    return found ?? text;
  };
  return (status) => ({
    ...status,
    hostname: status.hostname === status.client ? status.client : shared(status.hostname),
    os: shared(status.os),
    diskMount: shared(status.diskMount),
    errorMessage: shared(status.errorMessage),
  });
}

/** Returns one client with its newest row and its newest visit; null if there is no such client. */
export async function statusOfClient(session: Session, name: string): Promise<ClientStatus | null> {
  const newest = (table: Newest): string => newestOf(session.dialect, table, 'c.name');
  const [row] = await session.all(statusSql(newest, 'c.name = ?'), [name]);
  return row === undefined ? null : clientStatus.read(row);
}

type Newest = 'stats' | 'visits';

const statusSql = (
  newest: (table: Newest) => string,
  condition: string,
): string => `SELECT c.name AS client, COALESCE(c.address, c.name) AS address,
    c.last_visit_at, c.last_report_at, c.consecutive_failures, c.next_attempt_at, c.reader,
    s.observed_at, s.hostname, s.os, s.uptime_s AS uptime_seconds, s.cpu_percent, s.memory_percent, s.disk_percent, s.load5, s.cpus,
    (SELECT d.mount FROM disk_stats d WHERE d.stat_id = s.id AND d.used_percent = s.disk_percent
      ORDER BY d.ordinal LIMIT 1) AS disk_mount,
    v.started_at, v.ok, CASE WHEN v.ok = 0 THEN v.code END AS error_code,
    CASE WHEN v.ok = 0 THEN v.message END AS error_message
  FROM clients c
  LEFT JOIN stats s
    ON s.id = ${newest('stats')}
  LEFT JOIN visits v
    ON v.id = ${newest('visits')}
  WHERE ${condition} ORDER BY c.name`;

/** Reads a row from before a time. `clients` holds the present; a client's past is in its rows and visits. */
function pastStatus(row: SqlRow): ClientStatus {
  return {
    ...clientStatus.read(row),
    lastVisitAtMs: fromSqlTime(row['started_at']),
    lastReportAtMs: fromSqlTime(row['observed_at']),
    consecutiveFailures: row['ok'] === 0 ? 1 : 0,
    nextAttemptAtMs: null,
  };
}
