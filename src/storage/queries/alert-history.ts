/** src/storage/queries: paged reading. */
import { turn } from '../../platform/deadline.ts';
import { dayMs } from '../../platform/units.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { databaseNowMs, sqlTime } from '../sql/sql-time.ts';
import {
  type AlertFilter,
  type AlertHistory,
  mailedNotification,
  type PastAlert,
  pastAlert,
  sentNotification,
} from '../store/alert-history.ts';
import {
  type Alert,
  type LastNotified,
  progressOf,
  storedAlert,
  storedLastNotified,
  unchangedTransitions,
} from '../store/alert.ts';
import { newestRows } from './newest-rows.ts';
import { replayedRows, rowsOfClients } from './time-pages.ts';

const notifiedSinceSql = `SELECT a.about, a.client, a.rule, a.subject, n.recipient, n.transition, m.created_at AS notified_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id JOIN alerts a ON a.id = n.alert_id
  WHERE m.created_at >= ? AND m.replaced_by IS NULL ORDER BY m.created_at, n.id`;

// Five years have a million notifications: no column more than is used.
const mailedSql = `SELECT n.alert_id, n.mail_id, n.recipient, m.created_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id WHERE m.created_at >= ? AND m.created_at < ? AND m.replaced_by IS NULL
  AND n.transition NOT IN (${unchangedTransitions.map((one) => `'${one}'`).join(', ')})`;
const weekMs = 7 * dayMs;
/** The end of time in the time columns. */
const lastTime = '9999-12-31 23:59:59.999';
const pastSql = `SELECT ${pastAlert.columns} FROM alerts WHERE`;
// By the index on closed_out and resolved_at.
const endedSql = `${pastSql} closed_out IN (0, 1) AND resolved_at >= ? AND resolved_at < ?`;
const openSql = `${pastSql} state IN ('pending', 'firing')`;

export function createAlertHistory(database: Database): AlertHistory {
  return {
    newestRows: (client) => database.read((session) => newestRows(session, client)),
    alertsOf: (filter) => database.read((session) => alertsOf(session, filter)),
    notificationsOf: (alertIds) => database.read((session) => notificationsOf(session, alertIds)),
    replay: (sinceMs, after, limit, clients = null) => {
      const from = after ?? { atMs: sinceMs, reportId: 0, visitId: 0 };
      return database.read((session) =>
        clients === null ? replayedRows(session, from, limit) : rowsOfClients(session, from.atMs, clients),
      );
    },
    notifiedSince: async (sinceMs) =>
      (await database.read((session) => session.all(notifiedSinceSql, [sqlTime(sinceMs)]))).map(sentNotification.read),
    pastAlerts: (sinceMs, signal) => pastAlerts(database, sinceMs, signal),
    mailedSince: (sinceMs, signal) =>
      byWeeks(database, { sql: mailedSql, sinceMs, read: mailedNotification.read, signal }),
    worstValues: (alertIds) => database.read((session) => worstValues(session, alertIds)),
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

async function pastAlerts(database: Database, sinceMs: number, signal: AbortSignal): Promise<readonly PastAlert[]> {
  // An alert that ends meanwhile is read once.
  const open = (await database.read((session) => session.all(openSql))).map(pastAlert.read);
  const known = new Set(open.map(({ id }) => id));
  const closed = await byWeeks(database, { sql: endedSql, sinceMs, read: pastAlert.read, signal });
  const ended = closed.filter(({ id }) => !known.has(id));
  return [...ended, ...open].sort((a, b) => a.pendingSinceMs - b.pendingSinceMs || a.id - b.id);
}

interface ByWeeksOptions<T> {
  /** The statement for the rows of a span. Values: its begin and its end. */
  readonly sql: string;
  readonly sinceMs: number;
  readonly read: (row: SqlRow) => T;
  readonly signal: AbortSignal;
}

/** Reads the rows since a time week by week: all rows of five years at once take three times the memory. */
async function byWeeks<T>(
  database: Database,
  { sql, sinceMs, read, signal }: ByWeeksOptions<T>,
): Promise<readonly T[]> {
  const nowMs = await database.read(databaseNowMs);
  const found: T[] = [];
  for (let fromMs = sinceMs; fromMs <= nowMs; fromMs += weekMs) {
    const toMs = fromMs + weekMs;
    const end = toMs > nowMs ? lastTime : sqlTime(toMs);
    await turn(signal);
    const rows = await database.read((session) => session.all(sql, [sqlTime(fromMs), end]));
    for (const row of rows) found.push(read(row));
  }
  return found;
}

async function worstValues(session: Session, alertIds: readonly number[]): Promise<readonly number[]> {
  const rows = await forIds('id', alertIds, (where, values) =>
    session.all(`SELECT progress FROM alerts WHERE ${where}`, values),
  );
  return rows.flatMap(({ progress }) => progressOf(progress).worst?.value ?? []);
}
