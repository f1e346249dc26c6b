import { numberOrNull, readerOrNull, textOrNull } from '../rows/columns.ts';
import type { Dialect, SqlRow } from '../sql/database.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import type { ClientStatus } from '../store/storage.ts';
import { newestBefore, newestOf } from './newest-rows.ts';

/** Every client, or those of a condition on `c`, with its newest row and its newest visit. */
export const clientsSql = (dialect: Dialect, condition = '1 = 1'): string =>
  statusSql((table) => newestOf(dialect, table, 'c.name'), condition);

/** Every client with its newest row and its newest visit of before a time, which is both values. */
export const pastClientsSql = (): string => statusSql((table) => newestBefore(table, 'c.name'), '1 = 1');

const statusSql = (
  newest: (table: 'stats' | 'visits') => string,
  condition: string,
): string => `SELECT c.name, c.address,
    c.last_visit_at, c.last_report_at, c.consecutive_failures, c.next_attempt_at, c.reader,
    s.observed_at, s.hostname, s.os, s.uptime_s, s.cpu_percent, s.memory_percent, s.disk_percent, s.load5, s.cpus,
    (SELECT d.mount FROM disk_stats d WHERE d.stat_id = s.id AND d.used_percent = s.disk_percent
      ORDER BY d.ordinal LIMIT 1) AS disk_mount,
    v.started_at, v.ok, v.code, v.message
  FROM clients c
  LEFT JOIN stats s
    ON s.id = ${newest('stats')}
  LEFT JOIN visits v
    ON v.id = ${newest('visits')}
  WHERE ${condition} ORDER BY c.name`;

/** Reads a row of clientsSql. */
export function clientStatus(row: SqlRow): ClientStatus {
  const client = String(row['name']);
  const failed = row['ok'] === 0;
  return {
    client,
    address: textOrNull(row['address']) ?? client,
    lastVisitAtMs: fromSqlTime(row['last_visit_at']),
    lastReportAtMs: fromSqlTime(row['last_report_at']),
    observedAtMs: fromSqlTime(row['observed_at']),
    consecutiveFailures: Number(row['consecutive_failures']),
    nextAttemptAtMs: fromSqlTime(row['next_attempt_at']),
    reader: readerOrNull(row['reader']),
    hostname: textOrNull(row['hostname']),
    os: textOrNull(row['os']),
    uptimeSeconds: numberOrNull(row['uptime_s']),
    cpuPercent: numberOrNull(row['cpu_percent']),
    memoryPercent: numberOrNull(row['memory_percent']),
    diskPercent: numberOrNull(row['disk_percent']),
    diskMount: textOrNull(row['disk_mount']),
    load5: numberOrNull(row['load5']),
    cpus: numberOrNull(row['cpus']),
    errorCode: failed ? textOrNull(row['code']) : null,
    errorMessage: failed ? textOrNull(row['message']) : null,
  };
}

/** Reads a row of pastClientsSql. The columns of `clients` are of now; a client's past is in its rows and visits. */
export function pastStatus(row: SqlRow): ClientStatus {
  return {
    ...clientStatus(row),
    lastVisitAtMs: fromSqlTime(row['started_at']),
    lastReportAtMs: fromSqlTime(row['observed_at']),
    consecutiveFailures: row['ok'] === 0 ? 1 : 0,
    nextAttemptAtMs: null,
  };
}
