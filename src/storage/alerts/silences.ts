import type { Silence } from '../store/alert-store.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database } from '../sql/database.ts';
import { fromSqlTime, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import type { Session, SqlRow, SqlValue } from '../sql/session.ts';

const columns = ['client', 'rule', 'subject', 'starts_at', 'ends_at', 'author', 'comment'] as const;
const insertSql = `INSERT INTO silences (${columns.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?)`;
const findSql = `SELECT MAX(id) AS id FROM silences WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`;
const selectSql = `SELECT id, ${columns.join(', ')} FROM silences WHERE ends_at > ? ORDER BY id`;

/** See AlertStore.addSilence. The same silence added twice is one. */
export async function addSilence(database: Database, silence: Omit<Silence, 'id'>): Promise<number> {
  const { client, rule, subject, startsAtMs, endsAtMs, author, comment } = silence;
  const values = [client, rule, subject, sqlTime(startsAtMs), sqlTime(endsAtMs), author, comment];
  return database.write(async (session) => {
    const known = await find(session, values);
    if (known !== null) return known;
    await session.run(insertSql, values);
    return (await find(session, values)) ?? Number.NaN;
  });
}

async function find(session: Session, values: readonly string[]): Promise<number | null> {
  const [row] = await session.all(findSql, values);
  const id = row?.['id'] ?? null;
  return id === null ? null : Number(id);
}

/** See AlertStore.silences: those that end after that time, those included that have not begun. */
export async function silences(session: Session, nowMs: number): Promise<readonly Silence[]> {
  return (await session.all(selectSql, [sqlTime(nowMs)])).map(storedSilence);
}

/** See AlertStore.expireSilence. */
export async function expireSilence(database: Database, id: number, nowMs: number): Promise<boolean> {
  const now = sqlTime(nowMs);
  const sql = 'UPDATE silences SET ends_at = ? WHERE id = ? AND ends_at > ?';
  return (await database.write((session) => session.run(sql, [now, id, now]))) === 1;
}

/** See AlertStore.acknowledge. */
export async function acknowledge(
  database: Database,
  ids: readonly number[],
  by: string,
  untilMs: number | null,
  comment: string | null,
): Promise<number> {
  const set = `acknowledged_by = ?, acknowledged_until = ?, acknowledged_severity = severity, acknowledged_comment = ?`;
  return changeOpen(database, ids, set, [by, sqlTimeOrNull(untilMs), comment]);
}

/** See AlertStore.unacknowledge. */
export async function unacknowledge(database: Database, ids: readonly number[]): Promise<number> {
  const set = `acknowledged_by = NULL, acknowledged_until = NULL, acknowledged_severity = NULL,
    acknowledged_comment = NULL`;
  return changeOpen(database, ids, set, [], 'acknowledged_by IS NOT NULL');
}

async function changeOpen(
  database: Database,
  ids: readonly number[],
  set: string,
  values: readonly SqlValue[],
  condition = '1 = 1',
): Promise<number> {
  const sql = `UPDATE alerts SET ${set} WHERE state IN ('pending', 'firing') AND ${condition}`;
  return database.write(async (session) => {
    const counts = await forIds('id', ids, async (where, those) => [
      await session.run(`${sql} AND ${where}`, [...values, ...those]),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  });
}

function storedSilence(row: SqlRow): Silence {
  return {
    id: Number(row['id']),
    client: String(row['client']),
    rule: String(row['rule']),
    subject: String(row['subject']),
    startsAtMs: fromSqlTime(row['starts_at']) ?? 0,
    endsAtMs: fromSqlTime(row['ends_at']) ?? 0,
    author: String(row['author']),
    comment: String(row['comment']),
  };
}
