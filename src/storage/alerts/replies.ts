import { dayMs } from '../../platform/units.ts';
import type { Database, Session } from '../sql/database.ts';
import { insertRows, replaceRows } from '../sql/insert-rows.ts';
import { databaseNowMs, fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { progressOf, storedAlert } from '../store/alert.ts';
import type { LinkStore } from '../store/operator-store.ts';
import { mailboxPosition, repliesValidMs } from '../store/reply-store.ts';
import type {
  AppliedReply,
  MailboxPosition,
  MailboxReading,
  NewReply,
  Receipt,
  ReplyResult,
  ReplyStore,
} from '../store/reply-store.ts';
import { fenced } from './lease.ts';
import { tokenDigest } from './reply-tokens.ts';
import { acknowledgeAlerts, addSilence, literalPattern } from './operator.ts';
import { nameIfKind } from '../../config/values/recipient-kinds.ts';

/** The age beyond which no receiver knows a receipt. */
const receiptsValidMs = 7 * dayMs;
/** The most silences that one reply adds. */
const maxSilences = 200;
/** The most alerts that the page of a link lists. */
const maxLinked = 200;

const positionSql = `SELECT ${mailboxPosition.columns} FROM reply_positions WHERE mailbox = ?`;
const mailSql = 'SELECT id, created_at, recipient FROM mails WHERE reply_token = ?';
const appliedSql = 'SELECT 1 AS found FROM mail_replies WHERE mail_id = ? AND message = ?';
// Omits a critical alert that has changed since the mail was sent: the sender of the reply does not know of the change.
const openSql = `SELECT DISTINCT a.id FROM notifications n JOIN alerts a ON a.id = n.alert_id
  WHERE n.mail_id = ? AND a.state = 'firing' AND (a.severity = 'warning' OR a.sequence = n.sequence)`;
// Values: now.
const isOpenSql = `a.state = 'firing' AND a.severity = 'critical'
    AND NOT (a.acknowledged_by IS NOT NULL AND a.acknowledged_severity = 'critical'
      AND (a.acknowledged_until IS NULL OR a.acknowledged_until > ?))`;
// Values: now, the recipient, the oldest time and the limit.
const receiptsSql = `SELECT m.id, m.reply_token AS receipt, SUM(CASE WHEN ${isOpenSql} THEN 1 ELSE 0 END) AS open_alerts
  FROM mails m LEFT JOIN notifications n ON n.mail_id = m.id LEFT JOIN alerts a ON a.id = n.alert_id
  WHERE m.ordinary IN (0, 1) AND m.recipient = ? AND m.created_at > ? AND m.sent_at IS NOT NULL
    AND m.reply_token IS NOT NULL GROUP BY m.id, m.reply_token ORDER BY m.id LIMIT ?`;
// Values: the mail and now.
const openProgressSql = `SELECT a.progress FROM notifications n JOIN alerts a ON a.id = n.alert_id
  WHERE n.mail_id = ? AND ${isOpenSql}`;
const alertsOfMailSql = `SELECT DISTINCT a.client, a.rule, a.subject FROM notifications n JOIN alerts a ON a.id = n.alert_id
  WHERE n.mail_id = ? AND n.transition NOT IN ('resolved', 'ended', 'past')
  ORDER BY a.client, a.rule, a.subject LIMIT ${maxSilences}`;

// The limit omits alerts that have ended before it omits alerts that an answer acknowledges.
const linkedSql = `SELECT ${storedAlert.columns} FROM alerts
  WHERE id IN (SELECT n.alert_id FROM notifications n WHERE n.mail_id = ?)
  ORDER BY CASE WHEN state <> 'firing' THEN 2 WHEN acknowledged_by IS NULL THEN 0 ELSE 1 END, id LIMIT ${maxLinked}`;

export function createLinkStore(database: Database): LinkStore {
  return {
    linkedMail: (token) =>
      database.read(async (session) => {
        const mail = await linkedMail(session, token, await databaseNowMs(session));
        if (typeof mail === 'string') return mail;
        const alerts = (await session.all(linkedSql, [mail.id])).map(storedAlert.read);
        return { recipient: mail.recipient, alerts, open: await openOf(session, mail.id) };
      }),
    answerLink: (token, { line, forMs, by }) =>
      database.write(async (session) => {
        const nowMs = await databaseNowMs(session);
        const mail = await linkedMail(session, token, nowMs);
        if (typeof mail === 'string') return { from: by ?? '', line, ...nothing(mail) };
        const from = by ?? mail.recipient;
        const untilMs = forMs === null ? null : nowMs + forMs;
        return { from, line, ...(await acknowledge(session, mail.id, { from, line, untilMs, how: 'by link' })) };
      }),
  };
}

/** Returns the mail to an address with a token. Other mails have receipts of webhooks in place of tokens. */
async function linkedMail(
  session: Session,
  token: string,
  nowMs: number,
): Promise<{ readonly id: number; readonly recipient: string } | 'unknown' | 'expired'> {
  const [mail] = await session.all(mailSql, [tokenDigest(token)]);
  const recipient = String(mail?.['recipient'] ?? '');
  if (mail === undefined || nameIfKind('webhook', recipient) !== null) return 'unknown';
  if (nowMs - (fromSqlTime(mail['created_at']) ?? 0) > repliesValidMs) return 'expired';
  return { id: Number(mail['id']), recipient };
}

async function openOf(session: Session, mailId: number): Promise<readonly number[]> {
  return (await session.all(openSql, [mailId])).map((row) => Number(row['id']));
}

interface Acknowledgement {
  readonly from: string;
  readonly line: string | null;
  readonly untilMs: number | null;
  readonly how: 'replied' | 'by link';
}

/** Acknowledges the alerts of a mail that fire as the mail told them. */
async function acknowledge(
  session: Session,
  mailId: number,
  { from, line, untilMs, how }: Acknowledgement,
): Promise<Outcome> {
  const ids = await openOf(session, mailId);
  const comment = `${how} ${JSON.stringify(line)}`;
  const count = ids.length === 0 ? 0 : await acknowledgeAlerts(session, ids, from, untilMs, comment);
  return count === 0 ? nothing('nothing-open') : { result: 'acknowledged', count };
}

export function createReplyStore(database: Database): ReplyStore {
  return {
    replyPosition: (mailbox) => database.read((session) => positionOf(session, mailbox)),
    applyReplies: (lease, mailbox, reading) =>
      fenced(database, lease, async (session) => {
        // Another alerter may have read the same messages.
        const known = await positionOf(session, mailbox);
        const nowMs = await databaseNowMs(session);
        const applied: AppliedReply[] = [];
        for (const reply of reading.replies) {
          if (isSame(reading, known) ? reply.uid <= known.uid : isBeforeMemory(reply, known)) continue;
          const outcome = await apply(session, reply, tokenDigest(reply.token), nowMs);
          if (outcome !== null) applied.push({ from: reply.from, line: reply.line, ...outcome });
        }
        await savePosition(session, mailbox, reading, known);
        return applied;
      }),
    openReceipts: async (recipient, limit) => {
      return await database.read(async (session) => {
        const nowMs = await databaseNowMs(session);
        const now = sqlTime(nowMs);
        const oldest = sqlTime(nowMs - receiptsValidMs);
        const receipts: Receipt[] = [];
        for (const row of await session.all(receiptsSql, [now, recipient, oldest, String(limit)])) {
          const open =
            Number(row['open_alerts']) > 0 ? await session.all(openProgressSql, [row['id'] ?? null, now]) : [];
          receipts.push({
            receipt: String(row['receipt']),
            open: open.map(({ progress }) => ({ progress: progressOf(progress) })),
          });
        }
        return receipts;
      });
    },
    closeReceipt: (lease, receipt, by) =>
      fenced(database, lease, async (session) => {
        const nowMs = await databaseNowMs(session);
        const reply = { message: 'receipt', from: by ?? '', automatic: false, line: 'ack' };
        const command = { kind: 'ack', forMs: null } as const;
        const outcome =
          by === null ? null : await apply(session, { ...reply, command, arrivedAtMs: nowMs }, receipt, nowMs);
        await session.run('UPDATE mails SET reply_token = NULL WHERE reply_token = ?', [receipt]);
        return outcome === null ? null : { from: reply.from, line: reply.line, ...outcome };
      }),
  };
}

async function positionOf(session: Session, mailbox: string): Promise<MailboxPosition | null> {
  const [row] = await session.all(positionSql, [mailbox]);
  return row === undefined ? null : mailboxPosition.read(row);
}

/** True if the ids of a reading and of the position count in the same mailbox. */
function isSame({ position, isAnew }: MailboxReading, known: MailboxPosition | null): known is MailboxPosition {
  return !isAnew && known?.uidValidity === position.uidValidity;
}

/** True if a reply came before readings recorded the replies that they applied (migration 013). */
function isBeforeMemory({ arrivedAtMs }: NewReply, known: MailboxPosition | null): boolean {
  return known !== null && known.message === null && arrivedAtMs <= known.arrivedAtMs;
}

async function savePosition(
  session: Session,
  mailbox: string,
  reading: MailboxReading,
  known: MailboxPosition | null,
): Promise<void> {
  const { position } = reading;
  const { uidValidity, uid, arrivedAtMs, message } =
    isSame(reading, known) && known.uid > position.uid ? known : position;
  const row = { mailbox, uid_validity: uidValidity, uid, arrived_at: sqlTime(arrivedAtMs), message };
  await replaceRows(session, 'reply_positions', ['mailbox'], [row]);
}

type Outcome = Pick<AppliedReply, 'result' | 'count'>;

const nothing = (result: ReplyResult): Outcome => ({ result, count: 0 });

/** Returns null for a reply that was applied before. `key`: the digest of the token, or a receipt. */
async function apply(
  session: Session,
  reply: Omit<NewReply, 'uid' | 'token'>,
  key: string,
  nowMs: number,
): Promise<Outcome | null> {
  const { message, automatic, command } = reply;
  const [mail] = await session.all(mailSql, [key]);
  if (mail === undefined) return nothing('unknown');
  if (nowMs - (fromSqlTime(mail['created_at']) ?? 0) > repliesValidMs) return nothing('expired');
  const mailId = Number(mail['id']);
  if ((await session.all(appliedSql, [mailId, message])).length > 0) return null;
  await insertRows(session, 'mail_replies', [{ mail_id: mailId, message }]);
  if (automatic) return nothing('automatic');
  if (command === null) return nothing('not-understood');
  // The time counts from the arrival, so that a late reply does not hold back notifications for longer.
  const fromMs = Math.min(reply.arrivedAtMs, nowMs);
  const untilMs = command.forMs === null ? null : fromMs + command.forMs;
  if (untilMs !== null && untilMs <= nowMs) return nothing('over');
  if (command.kind === 'ack') {
    return await acknowledge(session, mailId, { from: reply.from, line: reply.line, untilMs, how: 'replied' });
  }
  const comment = `replied ${JSON.stringify(reply.line)}`;
  const alerts = untilMs === null ? [] : await session.all(alertsOfMailSql, [mailId]);
  for (const row of alerts) {
    await addSilence(session, {
      client: literalPattern(String(row['client'])),
      rule: literalPattern(String(row['rule'])),
      subject: literalPattern(String(row['subject'])),
      startsAtMs: fromMs,
      endsAtMs: untilMs ?? fromMs,
      author: reply.from,
      comment,
    });
  }
  return alerts.length === 0 ? nothing('nothing-open') : { result: 'silenced', count: alerts.length };
}
