import { clipped } from '../rows/columns.ts';
import {
  literalMark,
  maxPatternChars,
  type OperatorStore,
  type ShownAnswer,
  type Silence,
  storedSilence,
} from '../store/operator-store.ts';
import { changeIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlValue } from '../sql/database.ts';
import { databaseNowMs, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';

const columns = ['client', 'rule', 'subject', 'starts_at', 'ends_at', 'author', 'comment'] as const;
const insertSql = `INSERT INTO silences (${columns.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?)`;
const findSql = `SELECT MAX(id) AS id FROM silences WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`;
const selectSql = `SELECT ${storedSilence.columns} FROM silences WHERE ends_at > ? ORDER BY id`;

const acknowledgeSql = `acknowledged_by = ?, acknowledged_until = ?, acknowledged_severity = severity,
  acknowledged_comment = ?, acknowledged_at = ?`;
const unacknowledgeSql = `acknowledged_by = NULL, acknowledged_until = NULL, acknowledged_severity = NULL,
  acknowledged_comment = NULL, acknowledged_at = NULL`;

export function createOperatorStore(database: Database): OperatorStore {
  return {
    addSilence: (silence) => database.write((session) => addSilence(session, silence)),
    silences: (nowMs) => database.read((session) => silencesAfter(session, nowMs)),
    expireSilence: async (id, nowMs) => {
      const now = sqlTime(nowMs);
      const sql = 'UPDATE silences SET ends_at = ? WHERE id = ? AND ends_at > ?';
      return (await database.write((session) => session.run(sql, [now, id, now]))) === 1;
    },
    acknowledge: (ids, by, untilMs, comment) =>
      database.write((session) => acknowledgeAlerts(session, ids, by, untilMs, comment)),
    acknowledgeShown: (id, shown) => database.write((session) => acknowledgeShown(session, id, shown)),
    unacknowledge: (ids) =>
      database.write((session) => changeOpen(session, ids, unacknowledgeSql, [], 'acknowledged_by IS NOT NULL')),
  };
}

/** Implements OperatorStore.acknowledge. */
export async function acknowledgeAlerts(
  session: Session,
  ids: readonly number[],
  by: string,
  untilMs: number | null,
  comment: string | null,
  condition?: string,
): Promise<number> {
  const now = sqlTime(await databaseNowMs(session));
  const values = [clipped(by, 255), sqlTimeOrNull(untilMs), comment === null ? null : clipped(comment, 1000), now];
  return await changeOpen(session, ids, acknowledgeSql, values, condition);
}

/** Implements OperatorStore.acknowledgeShown. */
async function acknowledgeShown(
  session: Session,
  id: number,
  { severity, by, forMs, comment }: ShownAnswer,
): ReturnType<OperatorStore['acknowledgeShown']> {
  const untilMs = forMs === null ? null : (await databaseNowMs(session)) + forMs;
  // An alerter may change the alert at the same time: the change itself says what it may change.
  const isNoWorse = severity === 'critical' ? undefined : "severity = 'warning'";
  if ((await acknowledgeAlerts(session, [id], by, untilMs, comment, isNoWorse)) > 0) return 'acknowledged';
  const [alert] = await session.all('SELECT state FROM alerts WHERE id = ?', [id]);
  if (alert === undefined) return 'unknown';
  return alert['state'] === 'resolved' ? 'ended' : 'worse';
}

async function changeOpen(
  session: Session,
  ids: readonly number[],
  set: string,
  values: readonly SqlValue[],
  condition = '1 = 1',
): Promise<number> {
  const sql = `UPDATE alerts SET ${set} WHERE state IN ('pending', 'firing') AND ${condition}`;
  return changeIds('id', ids, (where, those) => session.run(`${sql} AND ${where}`, [...values, ...those]));
}

/** Returns the pattern that matches only this name. Cuts a longer name to its beginning. */
export function literalPattern(name: string): string {
  const isPlain = /^[\w/.:-][\w/.:= -]*$/.test(name) && !name.endsWith(' ');
  return isPlain && name.length <= maxPatternChars ? name : clipped(literalMark + name, maxPatternChars);
}

/** Implements OperatorStore.addSilence. */
export async function addSilence(session: Session, silence: Omit<Silence, 'id'>): Promise<number> {
  const { client, rule, subject, startsAtMs, endsAtMs, author, comment } = silence;
  const values = [
    ...[client, rule, subject, sqlTime(startsAtMs), sqlTime(endsAtMs)],
    ...[clipped(author, 255), clipped(comment, 1000)],
  ];
  const known = await find(session, values);
  if (known !== null) return known;
  await session.run(insertSql, values);
  return (await find(session, values)) ?? Number.NaN;
}

async function find(session: Session, values: readonly string[]): Promise<number | null> {
  const [row] = await session.all(findSql, values);
  const id = row?.['id'] ?? null;
  return id === null ? null : Number(id);
}

/** Implements OperatorStore.silences. */
export async function silencesAfter(session: Session, nowMs: number): Promise<readonly Silence[]> {
  return (await session.all(selectSql, [sqlTime(nowMs)])).map(storedSilence.read);
}
