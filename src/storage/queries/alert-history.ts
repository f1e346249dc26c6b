/** src/storage/queries: paged reading. */
import { forIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlValue } from '../sql/database.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { type AlertFilter, type AlertHistory, sentNotification } from '../store/alert-history.ts';
import { type Alert, type LastNotified, storedAlert, storedLastNotified } from '../store/alert.ts';
import { newestRows } from './newest-rows.ts';
import { replayedRows } from './time-pages.ts';

const notifiedSinceSql = `SELECT a.client, a.rule, a.subject, n.recipient, n.transition, m.created_at AS notified_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id JOIN alerts a ON a.id = n.alert_id
  WHERE m.created_at >= ? AND m.replaced_by IS NULL ORDER BY m.created_at, n.id`;

export function createAlertHistory(database: Database): AlertHistory {
  return {
    newestRows: (client) => database.read((session) => newestRows(session, client)),
    alertsOf: (filter) => database.read((session) => alertsOf(session, filter)),
    notificationsOf: (alertIds) => database.read((session) => notificationsOf(session, alertIds)),
    replay: (sinceMs, after, limit) => {
      const from = after ?? { atMs: sinceMs, reportId: 0, visitId: 0 };
      return database.read((session) => replayedRows(session, from, limit));
    },
    notifiedSince: async (sinceMs) =>
      (await database.read((session) => session.all(notifiedSinceSql, [sqlTime(sinceMs)]))).map(sentNotification.read),
  };
}

async function alertsOf(session: Session, filter: AlertFilter): Promise<readonly Alert[]> {
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
  const sql = `SELECT ${storedAlert.columns} FROM alerts WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ?`;
  return (await session.all(sql, [...values, String(filter.limit)])).map(storedAlert.read);
}

async function notificationsOf(session: Session, alertIds: readonly number[]): Promise<readonly LastNotified[]> {
  const rows = await forIds('alert_id', alertIds, (where, values) =>
    session.all(
      `SELECT alert_id, recipient, state, severity, sequence, notified_at FROM last_notified WHERE ${where}
       ORDER BY alert_id, recipient`,
      values,
    ),
  );
  return rows.map(storedLastNotified.read).sort((a, b) => a.alertId - b.alertId);
}
