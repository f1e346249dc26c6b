import type { Severity } from '../../config/config.ts';
import { maxReportBytes } from '../../report/limits.ts';
import { numberOrNull, textOrNull } from '../rows/columns.ts';
import type { Database, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Transition } from '../store/alert.ts';
import type { CheckStateSpan, DetailStore, Inventory, MailedLine, StoredVisit } from '../store/detail-store.ts';
import { readInventoryParts } from './inventory-parts.ts';
import { logCountsOf, logLinesOf } from './log-lines.ts';

const visitsSql = `SELECT v.run_id, v.started_at, v.duration_ms, v.ok, v.stage, v.code, v.message, v.connect_ms, r.host
  FROM visits v LEFT JOIN runs r ON r.id = v.run_id
  WHERE v.client = ? ORDER BY v.started_at DESC, v.id DESC LIMIT ?`;

const inventorySql = `SELECT observed_at, manufacturer, model, serial, hostname, os, os_version, kernel, architecture,
  virtualisation, cpu_model, cpus, memory_bytes,
  CASE WHEN LENGTH(facts) <= ${maxReportBytes} THEN facts END AS facts FROM inventory
  WHERE client = ? ORDER BY observed_at DESC, id DESC LIMIT 1`;

// A mail that is discarded is marked as replaced by itself.
const mailsSql = `SELECT m.id, m.recipient, m.created_at, m.sent_at, m.failed_at, m.replaced_by, m.error,
    a.id AS alert_id, a.rule, a.subject, a.severity, n.transition
  FROM alerts a JOIN notifications n ON n.alert_id = a.id JOIN mails m ON m.id = n.mail_id
  WHERE a.client = ? AND (m.replaced_by IS NULL OR m.replaced_by = m.id)
  ORDER BY m.id DESC, n.id LIMIT ?`;

const checkStatesSql = `SELECT check_name, state, MIN(observed_at) AS first_at, MAX(observed_at) AS last_at
  FROM check_stats WHERE client = ? AND observed_at >= ? GROUP BY check_name, state`;

const checkRowSql = `SELECT observed_at FROM check_stats WHERE client = ? AND observed_at > ? AND check_name = ?
  ORDER BY observed_at LIMIT 1`;

export function createDetailStore(database: Database): DetailStore {
  const all = (sql: string, values: readonly string[]): Promise<readonly SqlRow[]> =>
    database.read((session) => session.all(sql, values));
  return {
    visitsOf: async (client, limit) => (await all(visitsSql, [client, String(limit)])).map(storedVisit),
    inventoryOf: async (client) => {
      const [row] = await all(inventorySql, [client]);
      return row === undefined ? null : inventory(row);
    },
    mailsOf: async (client, limit) => (await all(mailsSql, [client, String(limit)])).map(mailedLine),
    logLinesOf: (client, limit) => database.read((session) => logLinesOf(session, client, limit)),
    logCountsOf: (client) => database.read((session) => logCountsOf(session, client)),
    checkStatesOf: async (client, sinceMs) =>
      (await all(checkStatesSql, [client, sqlTime(sinceMs)])).map(checkStateSpan),
    checkRowAfter: async (client, checkName, afterMs) => {
      const [row] = await all(checkRowSql, [client, sqlTime(afterMs), checkName]);
      return row === undefined ? null : fromSqlTime(row['observed_at']);
    },
  };
}

function storedVisit(row: SqlRow): StoredVisit {
  return {
    runId: String(row['run_id']),
    startedAtMs: fromSqlTime(row['started_at']) ?? 0,
    durationMs: Number(row['duration_ms']),
    ok: row['ok'] === 1,
    stage: textOrNull(row['stage']),
    code: textOrNull(row['code']),
    message: textOrNull(row['message']),
    connectMs: numberOrNull(row['connect_ms']),
    host: textOrNull(row['host']),
  };
}

function inventory(row: SqlRow): Inventory {
  return {
    observedAtMs: fromSqlTime(row['observed_at']) ?? 0,
    manufacturer: textOrNull(row['manufacturer']),
    model: textOrNull(row['model']),
    serial: textOrNull(row['serial']),
    hostname: textOrNull(row['hostname']),
    os: textOrNull(row['os']),
    osVersion: textOrNull(row['os_version']),
    kernel: textOrNull(row['kernel']),
    architecture: textOrNull(row['architecture']),
    virtualisation: textOrNull(row['virtualisation']),
    cpuModel: textOrNull(row['cpu_model']),
    cpus: numberOrNull(row['cpus']),
    memoryBytes: numberOrNull(row['memory_bytes']),
    ...readInventoryParts(row['facts']),
  };
}

function mailedLine(row: SqlRow): MailedLine {
  return {
    mailId: Number(row['id']),
    recipient: String(row['recipient']),
    createdAtMs: fromSqlTime(row['created_at']) ?? 0,
    sentAtMs: fromSqlTime(row['sent_at']),
    failedAtMs: fromSqlTime(row['failed_at']),
    isDiscarded: row['replaced_by'] !== null,
    error: textOrNull(row['error']),
    alertId: Number(row['alert_id']),
    rule: String(row['rule']),
    subject: String(row['subject']),
    severity: row['severity'] as Severity,
    transition: row['transition'] as Transition,
  };
}

function checkStateSpan(row: SqlRow): CheckStateSpan {
  return {
    checkName: String(row['check_name']),
    state: Number(row['state']),
    firstAtMs: fromSqlTime(row['first_at']) ?? 0,
    lastAtMs: fromSqlTime(row['last_at']) ?? 0,
  };
}
