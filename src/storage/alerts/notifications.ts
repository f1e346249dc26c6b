import { aboutOf, aboutsOf, kindOf } from '../../about/kinds.ts';
import type { AlertKey } from '../../about/about.ts';
import type { Severity } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { alertKey } from '../rows/alert-rows.ts';
import { silencesAfter } from './operator.ts';
import { looksOf } from '../rows/looks.ts';
import { excerptsOf, exportsOf, systemsOf } from '../rows/stored-rows.ts';
import { changeIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { databaseNowMs, fromSqlTime, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import { forChunks, insertRows, replaceRows, type Values } from '../sql/insert-rows.ts';
import {
  type LastNotified,
  storedAlert,
  storedLastNotified,
  type StoredNotification,
  type Transition,
} from '../store/alert.ts';
import type { Lease } from '../store/lease-store.ts';
import {
  type AlerterState,
  type NewNotifications,
  type NotificationStore,
  type SeriesColumn,
  type SeriesPoint,
  seriesPoint,
} from '../store/notification-store.ts';
import type { NewMail, RecipientHistory, WaitingMail } from '../store/outbox-store.ts';
import { forgetToken, tokenDigest } from './reply-tokens.ts';
import { fenced } from './lease.ts';

// Conditions in the UPDATE, because the mail may be sent at the same time as this transaction runs.
const replaceSql = `UPDATE mails SET replaced_by = ? WHERE id = ? AND data_at IS NULL AND sent_at IS NULL
  AND failed_at IS NULL AND (replaced_by IS NULL OR replaced_by = ?)`;

// The notifications of a replaced or dropped mail may be due again, in a mail with the same Message-ID.
const freeIdSql = `UPDATE mails SET message_id = ? WHERE id = ? AND replaced_by IS NOT NULL AND sent_at IS NULL`;

const forgetSql = 'DELETE FROM last_notified WHERE alert_id = ? AND recipient = ?';

/** The error for a mail that can no longer be replaced. Undoes the transaction. */
class Outdated extends Error {}

export function createNotificationStore(database: Database): NotificationStore {
  return {
    state: (nowMs) => database.read((session) => alerterState(session, nowMs)),
    saveNotifications: (lease, notifications) => saveNotifications(database, lease, notifications),
    saveCauses: (lease, causes) =>
      fenced(database, lease, async (session) => {
        for (const [id, cause] of [...causes].sort(([one], [other]) => one - other))
          await session.run('UPDATE alerts SET cause = ? WHERE id = ?', [JSON.stringify(cause), id]);
      }),
    storedMessageIds: async (messageIds) =>
      new Set((await database.read((session) => idsOf(session, messageIds))).keys()),
    storedEpisodes: (keys) => database.read((session) => storedEpisodes(session, keys)),
    exportsOf: (mounts) => database.read((session) => exportsOf(session, mounts)),
    systemsOf: (clients) => database.read((session) => systemsOf(session, clients)),
    excerptsOf: (subjects) => database.read((session) => excerptsOf(session, subjects)),
    looksOf: (asked) => database.read((session) => looksOf(session, asked)),
    timesFired: (alertIds, sinceMs) => database.read((session) => timesFired(session, alertIds, sinceMs)),
    series: (client, column, mount, sinceMs) =>
      database.read((session) => series(session, client, column, mount, sinceMs)),
  };
}

async function saveNotifications(
  database: Database,
  lease: Lease,
  notifications: NewNotifications,
): Promise<'stored' | 'outdated'> {
  try {
    await fenced(database, lease, async (session) => {
      const idOf = await storeMails(session, notifications.mails);
      await replaceMails(session, notifications, idOf);
      await storeNotified(session, notifications.notified);
      for (const { alertId, recipient } of notifications.unnotified ?? [])
        await session.run(forgetSql, [alertId, recipient]);
      await closeOut(session, notifications.closedOut);
    });
    return 'stored';
  } catch (thrown) {
    if (thrown instanceof Outdated) return 'outdated';
    throw thrown;
  }
}

/** Returns the mails' ids by Message-ID. */
async function storeMails(session: Session, mails: readonly NewMail[]): Promise<ReadonlyMap<string, number>> {
  const byMessageId = new Map(mails.map((mail) => [mail.messageId, mail]));
  for (const [messageId, id] of await idsOf(session, [...byMessageId.keys()]))
    await session.run(freeIdSql, [`<replaced.${id}@${messageId.split('@')[1] ?? ''}`, id]);
  const existing = await idsOf(session, [...byMessageId.keys()]);
  const fresh = [...byMessageId.values()].filter(({ messageId }) => !existing.has(messageId));
  const createdAt = sqlTime(await databaseNowMs(session));
  const rows = fresh.map((mail) => ({
    recipient: mail.recipient,
    message_id: mail.messageId,
    content: mail.content,
    created_at: createdAt,
    severity: mail.severity,
    ordinary: mail.ordinary ? 1 : 0,
    reply_token: typeof mail.replyToken === 'string' ? tokenDigest(mail.replyToken) : null,
    digest: mail.digest?.name ?? null,
    digest_from: sqlTimeOrNull(mail.digest?.fromMs ?? null),
    digest_seen_to: sqlTimeOrNull(mail.digest?.seenToMs ?? null),
    digest_seen_again: sqlTimeOrNull(mail.digest?.seenAgainMs ?? null),
    digest_to: sqlTimeOrNull(mail.digest?.toMs ?? null),
  }));
  await insertRows(session, 'mails', rows);
  const stored = await idsOf(session, [...byMessageId.keys()]);
  const items = fresh.flatMap((mail) => itemRows(mail, stored.get(mail.messageId) ?? null));
  await insertRows(session, 'notifications', items);
  return stored;
}

async function idsOf(session: Session, messageIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await forChunks(messageIds, (chunk, marks) =>
    session.all(`SELECT id, message_id FROM mails WHERE message_id IN (${marks})`, chunk),
  );
  return new Map(rows.map((row) => [String(row['message_id']), Number(row['id'])]));
}

async function storedEpisodes(session: Session, keys: readonly AlertKey[]): Promise<ReadonlySet<string>> {
  const hashes = [...new Set(keys.map(({ client, rule, subject }) => alertKey(client, rule, subject)))];
  const rows = await forChunks(hashes, (chunk, marks) =>
    session.all(`SELECT client, rule, subject, first_evidence FROM alerts WHERE alert_key IN (${marks})`, chunk),
  );
  return new Set(
    rows.map((row) => ['client', 'rule', 'subject', 'first_evidence'].map((name) => row[name]).join('\0')),
  );
}

function itemRows(mail: NewMail, mailId: SqlValue): readonly Values[] {
  return mail.notifications.map(({ alertId, sequence, transition, before }) => ({
    alert_id: alertId,
    sequence,
    recipient: mail.recipient,
    transition,
    mail_id: mailId,
    before_state: before?.state ?? null,
    before_severity: before?.severity ?? null,
    before_sequence: before?.sequence ?? null,
    before_notified_at: before === null ? null : sqlTime(before.notifiedAtMs),
  }));
}

async function replaceMails(
  session: Session,
  { mails, withdrawn = [] }: NewNotifications,
  idOf: ReadonlyMap<string, number>,
): Promise<void> {
  const replacements = mails.flatMap(({ messageId, replaces }) =>
    replaces.flatMap((id) => (id === idOf.get(messageId) ? [] : { id, by: idOf.get(messageId) ?? null })),
  );
  // A withdrawn mail is marked as replaced by itself.
  const all = [...replacements, ...withdrawn.map((id) => ({ id, by: id }))];
  for (const { id, by } of all.sort((a, b) => a.id - b.id)) {
    if ((await session.run(replaceSql, [by, id, by])) !== 1)
      throw new Outdated(`mail ${id} cannot be replaced any more`);
    await forgetToken(session, id);
  }
}

async function storeNotified(session: Session, notified: readonly LastNotified[]): Promise<void> {
  const rows = notified.map((one) => ({
    alert_id: one.alertId,
    recipient: one.recipient,
    state: one.state,
    severity: one.severity,
    sequence: one.sequence,
    notified_at: sqlTime(one.notifiedAtMs),
  }));
  await replaceRows(session, 'last_notified', ['alert_id', 'recipient'], rows);
}

async function closeOut(session: Session, ids: readonly number[]): Promise<void> {
  const sql = "UPDATE alerts SET closed_out = 1 WHERE state = 'resolved'";
  await changeIds('id', ids, (where, values) => session.run(`${sql} AND ${where}`, values));
}

const alertsSql = `SELECT ${storedAlert.columns} FROM alerts WHERE closed_out = 0 ORDER BY id`;
const lastNotifiedSql = `SELECT t.alert_id, t.recipient, t.state, t.severity, t.sequence, t.notified_at
  FROM alerts a JOIN last_notified t ON t.alert_id = a.id WHERE a.closed_out = 0 ORDER BY t.alert_id, t.recipient`;
const recentSql = `SELECT recipient, created_at FROM mails WHERE created_at > ? AND replaced_by IS NULL
  ORDER BY created_at, id`;
const ofRows = aboutsOf(({ followsRows }) => followsRows).map((about) => `'${about}'`);
const urgentSql = `SELECT m.recipient, a.about, a.client, MAX(a.rule) AS a_rule,
    CASE WHEN a.about IN (${ofRows.join(', ')}) THEN '' ELSE a.subject END AS of_subject, COUNT(DISTINCT m.id) AS mails
  FROM mails m JOIN notifications n ON n.mail_id = m.id JOIN alerts a ON a.id = n.alert_id
  WHERE m.created_at > ? AND m.replaced_by IS NULL AND m.ordinary = 0 AND n.transition IN ('firing', 'escalated')
  GROUP BY m.recipient, a.about, a.client, of_subject`;
// A mail further ahead was made by a clock that was set back since.
const ordinarySql = `SELECT recipient, MAX(created_at) AS at FROM mails WHERE ordinary = 1 AND replaced_by IS NULL
  AND created_at <= ? GROUP BY recipient`;
const waitingSql = `SELECT id, recipient, message_id, created_at, data_at FROM mails
  WHERE sent_at IS NULL AND failed_at IS NULL AND replaced_by IS NULL ORDER BY id`;
const itemsSql = `SELECT n.mail_id, n.alert_id, n.sequence, n.transition, n.before_state, n.before_severity,
    n.before_sequence, n.before_notified_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id
  WHERE m.sent_at IS NULL AND m.failed_at IS NULL AND m.replaced_by IS NULL ORDER BY n.id`;

async function timesFired(
  session: Session,
  alertIds: readonly number[],
  sinceMs: number,
): Promise<ReadonlyMap<number, number>> {
  const rows = await forChunks(alertIds, (chunk, marks) =>
    session.all(
      `SELECT a.id, COUNT(*) AS times FROM alerts a JOIN alerts b ON b.alert_key = a.alert_key AND b.id <= a.id
       WHERE a.id IN (${marks}) AND b.firing_since >= ? GROUP BY a.id`,
      [...chunk, sqlTime(sinceMs)],
    ),
  );
  return new Map(rows.map((row) => [Number(row['id']), Number(row['times'])]));
}

async function alerterState(session: Session, nowMs: number): Promise<AlerterState> {
  const unended = await silencesAfter(session, nowMs - dayMs);
  return {
    alerts: (await session.all(alertsSql)).map(storedAlert.read),
    notified: (await session.all(lastNotifiedSql)).map(storedLastNotified.read),
    silences: unended.filter(({ endsAtMs }) => endsAtMs > nowMs),
    endedSilences: unended.filter(({ endsAtMs }) => endsAtMs <= nowMs),
    histories: await histories(session, nowMs),
    ...(await waitingMails(session)),
  };
}

async function histories(session: Session, nowMs: number): Promise<readonly RecipientHistory[]> {
  const recent = groupBy(await session.all(recentSql, [sqlTime(nowMs - hourMs)]), ({ recipient }) => String(recipient));
  const urgent = groupBy(await session.all(urgentSql, [sqlTime(nowMs - hourMs)]), ({ recipient }) => String(recipient));
  const ordinary = new Map(
    (await session.all(ordinarySql, [sqlTime(nowMs + hourMs)])).map((row) => [String(row['recipient']), row['at']]),
  );
  return [...new Set([...recent.keys(), ...ordinary.keys()])].map((recipient) => ({
    recipient,
    createdAtMs: (recent.get(recipient) ?? []).map((row) => fromSqlTime(row['created_at']) ?? 0),
    lastOrdinaryAtMs: fromSqlTime(ordinary.get(recipient)),
    urgentOfClient: new Map(
      (urgent.get(recipient) ?? []).map(({ about, client, a_rule: rule, of_subject: subject, mails }) => {
        const key = { client: String(client), rule: String(rule), subject: String(subject) };
        const kind = kindOf({ about: aboutOf({ ...key, about: String(about) }) });
        return [kind.urgentSource(key), Number(mails)] as const;
      }),
    ),
  }));
}

async function waitingMails(session: Session): Promise<Pick<AlerterState, 'waiting' | 'begun'>> {
  const mails = await session.all(waitingSql);
  if (mails.length === 0) return { waiting: [], begun: [] };
  const items = groupBy(await session.all(itemsSql), (row) => Number(row['mail_id']));
  const found = mails.map((row) => ({
    isBegun: row['data_at'] !== null,
    mail: {
      id: Number(row['id']),
      recipient: String(row['recipient']),
      messageId: String(row['message_id']),
      createdAtMs: fromSqlTime(row['created_at']) ?? 0,
      items: (items.get(Number(row['id'])) ?? []).map(storedNotification),
    },
  }));
  // A mail about no alert (a refused mail's notice) has no notification that another mail could carry.
  const mailsOf = (begun: boolean): readonly WaitingMail[] =>
    found.flatMap(({ isBegun, mail }) => (isBegun === begun && mail.items.length > 0 ? [mail] : []));
  return { waiting: mailsOf(false), begun: mailsOf(true) };
}

function storedNotification(row: SqlRow): StoredNotification {
  return {
    alertId: Number(row['alert_id']),
    sequence: Number(row['sequence']),
    transition: row['transition'] as Transition,
    before:
      row['before_state'] === null
        ? null
        : {
            state: row['before_state'] as NonNullable<StoredNotification['before']>['state'],
            severity: row['before_severity'] as Severity,
            sequence: Number(row['before_sequence']),
            notifiedAtMs: fromSqlTime(row['before_notified_at']) ?? 0,
          },
  };
}

/** The most points of a series. A day with a report each minute has 1,440, and a chart needs no more than this. */
const maxPoints = 20_000;

const mountColumns: ReadonlySet<SeriesColumn> = new Set(['used_percent', 'inodes_percent']);

/** Implements NotificationStore.series. */
async function series(
  session: Session,
  client: string,
  column: SeriesColumn,
  mount: string | null,
  sinceMs: number,
): Promise<readonly SeriesPoint[]> {
  const isOfMount = mountColumns.has(column);
  if (isOfMount && mount === null) return [];
  const [table, condition] = isOfMount ? ['disk_stats', 'AND mount = ?'] : ['stats', ''];
  const sql = `SELECT observed_at AS at, ${column} AS value FROM ${table} WHERE client = ? AND observed_at >= ? ${condition}
    ORDER BY observed_at LIMIT ?`;
  const values = [client, sqlTime(sinceMs), ...(isOfMount ? [mount] : []), String(maxPoints)];
  return (await session.all(sql, values)).map(seriesPoint.read);
}
