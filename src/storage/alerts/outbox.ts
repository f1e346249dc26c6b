import { dayMs, hourMs } from '../../platform/units.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import type { Severity } from '../../config/config.ts';
import { storedAlert, type Transition } from '../store/alert.ts';
import type { Lease } from '../store/lease-store.ts';
import {
  mailSummary,
  type MailStore,
  type OutboxStore,
  type SentBefore,
  type Told,
  type Unsent,
} from '../store/outbox-store.ts';
import { clipped } from '../rows/columns.ts';
import { textOrNull } from '../store/record-shape.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { databaseNowMs, fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { forIds } from '../sql/by-ids.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { fenced } from './lease.ts';
import { forgetToken, renewToken, tokenDigest } from './reply-tokens.ts';
import { groupBy } from '../../platform/group-by.ts';

/** The longest pause. A later time was written under a wrong clock, and the wait would never end. */
const farPauseMs = hourMs;
/** The longest claim: another process may be sending the mail while the clock is set back. */
const farClaimMs = dayMs;

/** The most characters of a receipt: the width of its column. */
const maxReceiptChars = 64;

/** The condition for a mail that has to be sent. */
const waiting = 'sent_at IS NULL AND failed_at IS NULL AND replaced_by IS NULL';
// Values: now and far ahead, twice.
const due = `(next_attempt_at IS NULL OR next_attempt_at <= ? OR next_attempt_at > ?)
  AND (claimed_until IS NULL OR claimed_until <= ? OR claimed_until > ?)`;

/** Mails that may have arrived come last, and take turns: a mail at which connections break holds up no other. */
const dueSql = `SELECT ${mailSummary.columns}, content FROM mails WHERE ${waiting} AND ${due}
  ORDER BY CASE WHEN data_at IS NOT NULL THEN 1 ELSE 0 END, data_at, CASE severity WHEN 'critical' THEN 0 ELSE 1 END, id
  LIMIT ?`;
const claimSql = `UPDATE mails SET claimed_by = ?, claimed_until = ?, attempts = attempts + 1
  WHERE id = ? AND ${waiting} AND (claimed_by = ? AND claimed_until > ? OR ${due})`;

const endSql = `SELECT 1 AS found FROM notifications
  WHERE mail_id = ? AND before_state IS NOT NULL AND transition IN ('resolved', 'ended') LIMIT 1`;
const dropSql = `UPDATE mails SET replaced_by = id, error = ?, claimed_until = NULL
  WHERE id = ? AND claimed_by = ? AND sent_at IS NULL AND replaced_by IS NULL`;
const forgetSql = `DELETE FROM last_notified WHERE recipient = ? AND alert_id IN
  (SELECT alert_id FROM notifications WHERE mail_id = ? AND before_state IS NULL)`;

const openSql = `SELECT COUNT(*) AS alerts, SUM(CASE WHEN a.state = 'firing' THEN 1 ELSE 0 END) AS firing
  FROM notifications n JOIN alerts a ON a.id = n.alert_id WHERE n.mail_id = ?`;
const endKnownSql = `UPDATE last_notified SET state = 'resolved'
  WHERE recipient = (SELECT recipient FROM mails WHERE id = ?) AND alert_id IN
    (SELECT n.alert_id FROM notifications n JOIN alerts a ON a.id = n.alert_id
      WHERE n.mail_id = ? AND a.state = 'resolved')`;

const sentBeforeSql = `UPDATE mails SET sent_at = ?, reply_token = COALESCE(reply_token, ?), error = NULL,
    claimed_until = NULL
  WHERE id = ? AND sent_at IS NULL AND replaced_by IS NULL`;

const toldSql = `SELECT n.transition AS told_transition, n.sequence AS told_sequence, m.created_at AS told_at,
    t.state AS known_state, t.severity AS known_severity, t.sequence AS known_sequence, t.notified_at AS known_at,
    ${storedAlert.columns
      .split(', ')
      .map((name) => `a.${name}`)
      .join(', ')}
  FROM notifications n JOIN mails m ON m.id = n.mail_id JOIN alerts a ON a.id = n.alert_id
    LEFT JOIN last_notified t ON t.alert_id = n.alert_id AND t.recipient = n.recipient
  WHERE n.mail_id = ? ORDER BY n.id`;

export function createOutboxStore(database: Database): OutboxStore {
  return {
    dueMails: async (limit) => {
      const rows = await database.read(async (session) => {
        const nowMs = await databaseNowMs(session);
        return session.all(dueSql, [...dueValues(nowMs), String(limit)]);
      });
      return rows.map((row) => ({ ...mailSummary.read(row), content: String(row['content']) }));
    },
    claimMail: async (id, holder, forMs) => {
      const claimed = await database.write(async (session) => {
        const nowMs = await databaseNowMs(session);
        const until = sqlTime(nowMs + Math.min(forMs, farClaimMs));
        return session.run(claimSql, [holder, until, id, holder, sqlTime(nowMs), ...dueValues(nowMs)]);
      });
      return claimed === 1;
    },
    markDataBegun: (id, holder) =>
      database.write((session) => {
        const { now } = session.dialect;
        const condition = `${waiting} AND claimed_until > ${now}`;
        return mark(session, id, holder, `data_at = ${now}`, [], condition);
      }),
    markSent: (id, holder, atMs, receipt) =>
      database.write(async (session) => {
        const at = atMs === undefined ? session.dialect.now : '?';
        const set = `sent_at = COALESCE(sent_at, ${at}), reply_token = COALESCE(reply_token, ?), error = NULL`;
        const values = [...(atMs === undefined ? [] : [sqlTime(atMs)]), await ownReceipt(session, receipt)];
        await mark(session, id, holder, `${set}, claimed_until = NULL`, values);
        await forgetToken(session, id);
      }),
    markSentBefore: (lease, sent) => markSentBefore(database, lease, sent),
    toldBy: (id) => database.read((session) => toldBy(session, id)),
    markPutOff: (id, holder, nextAttemptInMs, error, isRefused = false) =>
      database.write(async (session) => {
        const next = sqlTime((await databaseNowMs(session)) + Math.min(nextAttemptInMs, farPauseMs));
        const set = `next_attempt_at = ?, error = ?, claimed_until = NULL${isRefused ? ', data_at = NULL' : ''}`;
        await mark(session, id, holder, set, [next, clipped(error, 1000)], 'sent_at IS NULL');
      }),
    markFailed: (id, holder, error, mayBeTaken = false) =>
      database.write(async (session) => {
        const set = `failed_at = COALESCE(failed_at, ${session.dialect.now}), error = ?, claimed_until = NULL`;
        await mark(session, id, holder, set, [clipped(error, 1000)], 'sent_at IS NULL');
        await forgetToken(session, id);
        if (!mayBeTaken) await session.run(endKnownSql, [id, id]);
      }),
    alertsOfMail: async (id) => {
      const [row] = await database.read((session) => session.all(openSql, [id]));
      const { alerts, firing } = row ?? {};
      return Number(alerts ?? 0) === 0 ? 'none' : Number(firing ?? 0) > 0 ? 'open' : 'ended';
    },
    dropMail: (mail, holder) => database.write((session) => dropMail(session, mail, holder)),
  };
}

async function dropMail(
  session: Session,
  { id, recipient, dataAtMs }: Parameters<OutboxStore['dropMail']>[0],
  holder: string,
): Promise<boolean> {
  if ((await session.all(endSql, [id])).length > 0) return false;
  if ((await session.run(dropSql, ['config.xml does not name the recipient', id, holder])) !== 1) return false;
  await forgetToken(session, id);
  if (dataAtMs === null) await session.run(forgetSql, [recipient, id]);
  return true;
}

function markSentBefore(database: Database, lease: Lease, sent: readonly SentBefore[]): Promise<void> {
  return fenced(database, lease, async (session) => {
    for (const { id, atMs, receipt } of sent) {
      await session.run(sentBeforeSql, [sqlTime(atMs), await ownReceipt(session, receipt), id]);
      await forgetToken(session, id);
    }
  });
}

/**
 * Returns a receipt that may be stored; null if a mail has it already. A receiver may give any receipt, also one that
 * it has given before: such a message is not asked about.
 */
async function ownReceipt(session: Session, receipt: string | undefined): Promise<string | null> {
  if (receipt === undefined || receipt.length > maxReceiptChars) return null;
  return (await session.all('SELECT id FROM mails WHERE reply_token = ?', [receipt])).length > 0 ? null : receipt;
}

async function toldBy(session: Session, id: number): ReturnType<OutboxStore['toldBy']> {
  const [mail] = await session.all('SELECT ordinary FROM mails WHERE id = ?', [id]);
  return { ordinary: Number(mail?.['ordinary']) === 1, told: (await session.all(toldSql, [id])).map(told) };
}

/** Reads the notification of an alert in a mail. The alert may have changed since the mail was made. */
function told(row: SqlRow): Told {
  const alert = storedAlert.read(row);
  const { about, client, rule, subject, firstEvidence, pendingSinceMs, firingSinceMs, resolvedAtMs, progress } = alert;
  const transition = row['told_transition'] as Transition;
  const sequence = Number(row['told_sequence']);
  const isNewest = row['known_sequence'] !== null && Number(row['known_sequence']) === sequence;
  const isOver = transition === 'resolved' || transition === 'ended' || transition === 'past';
  // A state that has changed since is known up to its beginning only.
  const asOfMs = alert.sequence !== sequence ? (firingSinceMs ?? pendingSinceMs) : (resolvedAtMs ?? progress.lastAtMs);
  return {
    about,
    client,
    rule,
    subject,
    firstEvidence,
    transition,
    sequence,
    state: isNewest ? (row['known_state'] as Told['state']) : isOver ? 'resolved' : 'firing',
    severity: isNewest ? (row['known_severity'] as Severity) : alert.severity,
    notifiedAtMs: fromSqlTime(row[isNewest ? 'known_at' : 'told_at']) ?? 0,
    sinceMs: pendingSinceMs,
    asOfMs,
  };
}

// claimed_by stays when the claim ends, so that a repeated mark is no fault: the answer to the first may have been
// lost.
async function mark(
  session: Session,
  id: number,
  holder: string,
  set: string,
  values: readonly SqlValue[],
  condition = '1 = 1',
): Promise<void> {
  const sql = `UPDATE mails SET ${set} WHERE id = ? AND claimed_by = ? AND ${condition}`;
  if ((await session.run(sql, [...values, id, holder])) === 1) return;
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

const unsentSql = `SELECT n.alert_id, n.recipient, m.id, m.replaced_by, m.created_at, m.failed_at, m.error
  FROM notifications n JOIN mails m ON m.id = n.mail_id
  WHERE m.sent_at IS NULL AND (m.replaced_by IS NULL OR m.replaced_by = m.id)
    AND NOT EXISTS (SELECT 1 FROM notifications l JOIN mails s ON s.id = l.mail_id
      WHERE l.alert_id = n.alert_id AND l.recipient = n.recipient AND s.id > m.id AND s.sent_at IS NOT NULL)`;

// Refused mails never push a waiting one out of the list.
const undeliveredSql = `SELECT ${mailSummary.columns} FROM mails WHERE sent_at IS NULL AND replaced_by IS NULL
  ORDER BY CASE WHEN failed_at IS NULL THEN 0 ELSE 1 END, id LIMIT 1000`;
const unsentMail = (now: string): string => `id = ? AND sent_at IS NULL AND replaced_by IS NULL
  AND (claimed_until IS NULL OR claimed_until <= ${now})`;

export function createMailStore(database: Database): MailStore {
  return {
    withTokens: async (tokens) => {
      // A receipt stands in the column as it is.
      const byKey = new Map(tokens.flatMap((token) => [tokenDigest(token), token].map((key) => [key, token] as const)));
      const rows = await database.read((session) =>
        forChunks([...byKey.keys()], (chunk, marks) =>
          session.all(`SELECT reply_token, ${mailSummary.columns} FROM mails WHERE reply_token IN (${marks})`, chunk),
        ),
      );
      return new Map(rows.map((row) => [byKey.get(String(row['reply_token'])) ?? '', mailSummary.read(row)]));
    },
    undelivered: async () => {
      const rows = await database.read((session) => session.all(undeliveredSql));
      return rows.map(mailSummary.read).sort((one, other) => one.id - other.id);
    },
    unsentOf: (alertIds) => database.read((session) => unsentOf(session, alertIds)),
    resendMail: (id, replyToken) =>
      database.write(async (session) => {
        const where = unsentMail(session.dialect.now);
        // Not the count of changed rows: MariaDB does not count a mail that is due already.
        const found = await session.all(`SELECT id FROM mails WHERE ${where}`, [id]);
        if (found.length === 0) return false;
        await session.run(`UPDATE mails SET failed_at = NULL, next_attempt_at = NULL WHERE ${where}`, [id]);
        await renewToken(session, id, replyToken);
        return true;
      }),
    discardMail: (id) =>
      database.write(async (session) => {
        // A mail that is discarded is marked as replaced by itself.
        const sql = `UPDATE mails SET replaced_by = id WHERE ${unsentMail(session.dialect.now)}`;
        if ((await session.run(sql, [id])) !== 1) return false;
        await forgetToken(session, id);
        return true;
      }),
  };
}

async function unsentOf(session: Session, alertIds: readonly number[]): Promise<readonly Unsent[]> {
  const rows = await forIds('n.alert_id', alertIds, (where, values) =>
    session.all(`${unsentSql} AND ${where} ORDER BY m.id`, values),
  );
  const groups = groupBy(rows, (row) => `${Number(row['alert_id'])} ${String(row['recipient'])}`);
  return [...groups.values()].map(unsent);
}

/** Summarises a recipient's mails about one alert, oldest first. The result is discarded if the newest mail is. */
function unsent(rows: readonly SqlRow[]): Unsent {
  const [first = {}] = rows;
  const newest = rows.at(-1) ?? first;
  const error = textOrNull(rows.findLast((row) => row['error'] !== null)?.['error'] ?? null);
  const isTried = error !== null || rows.some((row) => row['failed_at'] !== null);
  return {
    alertId: Number(first['alert_id']),
    recipient: String(first['recipient']),
    delivery: newest['replaced_by'] !== null ? 'discarded' : isTried ? 'not-delivered' : 'queued',
    sinceMs: fromSqlTime(first['created_at']) ?? 0,
    error,
  };
}
