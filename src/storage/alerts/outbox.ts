import { dayMs, hourMs } from '../../platform/units.ts';
import { FleetError } from '../../errors.ts';
import type { Severity } from '../../config/config.ts';
import type { Mail, MailSummary } from '../store/alert-store.ts';
import { textOrNull } from '../rows/client-facts.ts';
import type { Database } from '../sql/database.ts';
import { databaseNowMs } from '../sql/database-now.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlRow, SqlValue } from '../sql/session.ts';

/** The longest pause: a time further ahead was written under another clock, and would be waited for in vain. */
const farPauseMs = hourMs;
/** Of claims more is believed: somebody may be sending the mail while the clock is set back. */
const farClaimMs = dayMs;

const maxUndelivered = 1000;

const summaryColumns = `id, recipient, message_id, severity, created_at, attempts, next_attempt_at, data_at, sent_at,
  failed_at, error`;

/** Of a mail that still has to go out. */
const waiting = 'sent_at IS NULL AND failed_at IS NULL AND replaced_by IS NULL';
// Values: now and far ahead, twice.
const due = `(next_attempt_at IS NULL OR next_attempt_at <= ? OR next_attempt_at > ?)
  AND (claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)`;

const dueSql = `SELECT ${summaryColumns}, content FROM mails WHERE ${waiting} AND ${due}
  ORDER BY CASE severity WHEN 'critical' THEN 0 ELSE 1 END, id LIMIT ?`;
const claimSql = `UPDATE mails SET claimed_by = ?, claimed_until = ?, attempts = attempts + 1
  WHERE id = ? AND ${waiting} AND (claimed_by = ? AND claimed_until > ? OR ${due})`;

/** See AlertStore.dueMails. */
export async function dueMails(database: Database, limit: number): Promise<readonly Mail[]> {
  const rows = await database.read(async (session) => {
    const nowMs = await databaseNowMs(session, database.dialect);
    return session.all(dueSql, [...dueValues(nowMs), String(limit)]);
  });
  return rows.map((row) => ({ ...mailSummary(row), content: String(row['content']) }));
}

/** See AlertStore.undelivered. */
export async function undelivered(session: Session): Promise<readonly MailSummary[]> {
  const sql = `SELECT ${summaryColumns} FROM mails WHERE sent_at IS NULL AND replaced_by IS NULL ORDER BY id LIMIT ?`;
  return (await session.all(sql, [String(maxUndelivered)])).map(mailSummary);
}

/** See AlertStore.claimMail. */
export async function claimMail(database: Database, id: number, holder: string, forMs: number): Promise<boolean> {
  const claimed = await database.write(async (session) => {
    const nowMs = await databaseNowMs(session, database.dialect);
    const until = sqlTime(nowMs + Math.min(forMs, farClaimMs));
    return session.run(claimSql, [holder, until, id, holder, sqlTime(nowMs), ...dueValues(nowMs)]);
  });
  return claimed === 1;
}

/** See AlertStore.markDataBegun. */
export async function markDataBegun(database: Database, id: number, holder: string): Promise<void> {
  const { now } = database.dialect;
  await mark(database, id, holder, `data_at = COALESCE(data_at, ${now})`, [], `${waiting} AND claimed_until > ${now}`);
}

/** See AlertStore.markSent. */
export async function markSent(database: Database, id: number, holder: string): Promise<void> {
  const { now } = database.dialect;
  await mark(database, id, holder, `sent_at = COALESCE(sent_at, ${now}), error = NULL, claimed_until = NULL`, []);
}

/** See AlertStore.markPutOff. */
export async function markPutOff(
  database: Database,
  id: number,
  holder: string,
  nextAttemptInMs: number,
  error: string,
): Promise<void> {
  const nowMs = await database.read((session) => databaseNowMs(session, database.dialect));
  const next = sqlTime(nowMs + Math.min(nextAttemptInMs, farPauseMs));
  const set = 'next_attempt_at = ?, error = ?, claimed_until = NULL';
  await mark(database, id, holder, set, [next, clipped(error)], 'sent_at IS NULL');
}

/** See AlertStore.markFailed. */
export async function markFailed(database: Database, id: number, holder: string, error: string): Promise<void> {
  const set = `failed_at = COALESCE(failed_at, ${database.dialect.now}), error = ?, claimed_until = NULL`;
  await mark(database, id, holder, set, [clipped(error)], 'sent_at IS NULL');
}

// claimed_by stays when the claim ends, so that the same mark made twice is no fault: its answer may have been lost.
async function mark(
  database: Database,
  id: number,
  holder: string,
  set: string,
  values: readonly SqlValue[],
  condition?: string,
): Promise<void> {
  const sql = `UPDATE mails SET ${set} WHERE id = ? AND claimed_by = ?${condition === undefined ? '' : ` AND ${condition}`}`;
  const marked = await database.write((session) => session.run(sql, [...values, id, holder]));
  if (marked === 1) return;
  throw new FleetError({
    code: 'locked',
    stage: 'mail',
    message: `mail ${id} is no longer for ${holder} to send: it was claimed by another, replaced, or is done`,
  });
}

function dueValues(nowMs: number): readonly string[] {
  const now = sqlTime(nowMs);
  return [now, sqlTime(nowMs + farPauseMs), now, sqlTime(nowMs + farClaimMs)];
}

function mailSummary(row: SqlRow): MailSummary {
  return {
    id: Number(row['id']),
    recipient: String(row['recipient']),
    messageId: String(row['message_id']),
    severity: row['severity'] as Severity,
    createdAtMs: fromSqlTime(row['created_at']) ?? 0,
    attempts: Number(row['attempts']),
    nextAttemptAtMs: fromSqlTime(row['next_attempt_at']),
    dataAtMs: fromSqlTime(row['data_at']),
    sentAtMs: fromSqlTime(row['sent_at']),
    failedAtMs: fromSqlTime(row['failed_at']),
    error: textOrNull(row['error']),
  };
}

function clipped(text: string): string {
  return Array.from(text).slice(0, 1000).join('');
}
