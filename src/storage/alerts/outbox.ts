import { dayMs, hourMs } from '../../platform/units.ts';
import { FleetError } from '../../errors.ts';
import type { Severity } from '../../config/config.ts';
import type { MailSummary, OutboxStore } from '../store/outbox-store.ts';
import { clipped, textOrNull } from '../rows/columns.ts';
import type { Database } from '../sql/database.ts';
import { databaseNowMs } from '../sql/database-now.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { SqlRow, SqlValue } from '../sql/session.ts';

/** The longest pause: a time further ahead was written under another clock, and would be waited for in vain. */
const farPauseMs = hourMs;
/** The longest claim: another may be sending the mail while the clock is set back. */
const farClaimMs = dayMs;

/** For mailSummary. */
export const summaryColumns = `id, recipient, message_id, severity, created_at, attempts, next_attempt_at, data_at, sent_at,
  failed_at, error`;

/** True for a mail that has to be sent. */
const waiting = 'sent_at IS NULL AND failed_at IS NULL AND replaced_by IS NULL';
// Values: now and far ahead, twice.
const due = `(next_attempt_at IS NULL OR next_attempt_at <= ? OR next_attempt_at > ?)
  AND (claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)`;

const dueSql = `SELECT ${summaryColumns}, content FROM mails WHERE ${waiting} AND ${due}
  ORDER BY CASE severity WHEN 'critical' THEN 0 ELSE 1 END, id LIMIT ?`;
const claimSql = `UPDATE mails SET claimed_by = ?, claimed_until = ?, attempts = attempts + 1
  WHERE id = ? AND ${waiting} AND (claimed_by = ? AND claimed_until > ? OR ${due})`;

const endSql = `SELECT 1 AS found FROM notifications
  WHERE mail_id = ? AND before_state IS NOT NULL AND transition IN ('resolved', 'ended') LIMIT 1`;
const dropSql = `UPDATE mails SET replaced_by = id, error = ?, claimed_until = NULL
  WHERE id = ? AND claimed_by = ? AND sent_at IS NULL AND replaced_by IS NULL`;
const forgetSql = `DELETE FROM last_notified WHERE recipient = ? AND alert_id IN
  (SELECT alert_id FROM notifications WHERE mail_id = ? AND before_state IS NULL)`;

export function createOutboxStore(database: Database): OutboxStore {
  return {
    dueMails: async (limit) => {
      const rows = await database.read(async (session) => {
        const nowMs = await databaseNowMs(session, database.dialect);
        return session.all(dueSql, [...dueValues(nowMs), String(limit)]);
      });
      return rows.map((row) => ({ ...mailSummary(row), content: String(row['content']) }));
    },
    claimMail: async (id, holder, forMs) => {
      const claimed = await database.write(async (session) => {
        const nowMs = await databaseNowMs(session, database.dialect);
        const until = sqlTime(nowMs + Math.min(forMs, farClaimMs));
        return session.run(claimSql, [holder, until, id, holder, sqlTime(nowMs), ...dueValues(nowMs)]);
      });
      return claimed === 1;
    },
    markDataBegun: (id, holder) => {
      const { now } = database.dialect;
      const condition = `${waiting} AND claimed_until > ${now}`;
      return mark(database, id, holder, `data_at = COALESCE(data_at, ${now})`, [], condition);
    },
    markSent: (id, holder) => {
      const set = `sent_at = COALESCE(sent_at, ${database.dialect.now}), error = NULL, claimed_until = NULL`;
      return mark(database, id, holder, set, []);
    },
    markPutOff: async (id, holder, nextAttemptInMs, error) => {
      const nowMs = await database.read((session) => databaseNowMs(session, database.dialect));
      const next = sqlTime(nowMs + Math.min(nextAttemptInMs, farPauseMs));
      const set = 'next_attempt_at = ?, error = ?, claimed_until = NULL';
      await mark(database, id, holder, set, [next, clipped(error, 1000)], 'sent_at IS NULL');
    },
    markFailed: (id, holder, error) => {
      const set = `failed_at = COALESCE(failed_at, ${database.dialect.now}), error = ?, claimed_until = NULL`;
      return mark(database, id, holder, set, [clipped(error, 1000)], 'sent_at IS NULL');
    },
    dropMail: ({ id, recipient }, holder) =>
      database.write(async (session) => {
        if ((await session.all(endSql, [id])).length > 0) return false;
        if ((await session.run(dropSql, ['config.xml does not name the recipient', id, holder])) !== 1) return false;
        await session.run(forgetSql, [recipient, id]);
        return true;
      }),
  };
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

/** Reads a row of `mails`, without its content. */
export function mailSummary(row: SqlRow): MailSummary {
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
