import { maxReportBytes } from '../../report/limits.ts';
import type { Database, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { checkStateSpan, type DetailStore, machine, mailedLine, storedVisit } from '../store/detail-store.ts';
import { readInventoryParts } from './inventory-parts.ts';
import { logCountsOf, logLinesOf } from './log-lines.ts';

const visitsSql = `SELECT v.run_id, v.started_at, v.duration_ms, v.ok, v.stage, v.code, v.message, v.connect_ms, r.host
  FROM visits v LEFT JOIN runs r ON r.id = v.run_id
  WHERE v.client = ? ORDER BY v.started_at DESC, v.id DESC LIMIT ?`;

const inventorySql = `SELECT ${machine.columns},
  CASE WHEN LENGTH(facts) <= ${maxReportBytes} THEN facts END AS facts FROM inventory
  WHERE client = ? ORDER BY observed_at DESC, id DESC LIMIT 1`;

// A mail that is discarded is marked as replaced by itself.
const mailsSql = `SELECT m.id AS mail_id, m.recipient, m.created_at, m.sent_at, m.failed_at, m.replaced_by IS NOT NULL AS is_discarded, m.error,
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
    visitsOf: async (client, limit) => (await all(visitsSql, [client, String(limit)])).map(storedVisit.read),
    inventoryOf: async (client) => {
      const [row] = await all(inventorySql, [client]);
      return row === undefined ? null : { ...machine.read(row), ...readInventoryParts(row['facts']) };
    },
    mailsOf: async (client, limit) => (await all(mailsSql, [client, String(limit)])).map(mailedLine.read),
    logLinesOf: (client, limit) => database.read((session) => logLinesOf(session, client, limit)),
    logCountsOf: (client) => database.read((session) => logCountsOf(session, client)),
    checkStatesOf: async (client, sinceMs) =>
      (await all(checkStatesSql, [client, sqlTime(sinceMs)])).map(checkStateSpan.read),
    checkRowAfter: async (client, checkName, afterMs) => {
      const [row] = await all(checkRowSql, [client, sqlTime(afterMs), checkName]);
      return row === undefined ? null : fromSqlTime(row['observed_at']);
    },
  };
}
