import { alerterState } from './alerter-state.ts';
import { exportsOf, systemsOf } from '../rows/stored-rows.ts';
import { changeIds } from '../sql/by-ids.ts';
import type { Database } from '../sql/database.ts';
import { databaseNowMs } from '../sql/database-now.ts';
import type { Dialect } from '../sql/dialect.ts';
import { forChunks, insertRows, replacing } from '../sql/insert-rows.ts';
import type { Session, SqlValue } from '../sql/session.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { LastNotified } from '../store/alert.ts';
import type { Lease } from '../store/lease-store.ts';
import type { NewNotifications, NotificationStore } from '../store/notification-store.ts';
import type { NewMail } from '../store/outbox-store.ts';
import { fenced } from './lease.ts';
import { series } from '../queries/series.ts';

const mailColumns = ['recipient', 'message_id', 'content', 'created_at', 'severity', 'ordinary'] as const;
const itemColumns = [
  'alert_id',
  'sequence',
  'recipient',
  'transition',
  'mail_id',
  'before_state',
  'before_severity',
  'before_sequence',
  'before_notified_at',
] as const;
const toldColumns = ['alert_id', 'recipient', 'state', 'severity', 'sequence', 'notified_at'] as const;

// Conditions, not a look before: a mail goes out beside this transaction.
const replaceSql = `UPDATE mails SET replaced_by = ? WHERE id = ? AND data_at IS NULL AND sent_at IS NULL
  AND failed_at IS NULL AND (replaced_by IS NULL OR replaced_by = ?)`;

/** A mail that was to be replaced cannot be any more; undoes the transaction. */
class Outdated extends Error {}

export function createNotificationStore(database: Database): NotificationStore {
  return {
    state: (nowMs) => database.read((session) => alerterState(session, nowMs)),
    saveNotifications: (lease, notifications) => saveNotifications(database, lease, notifications),
    exportsOf: (mounts) => database.read((session) => exportsOf(session, mounts)),
    systemsOf: (clients) => database.read((session) => systemsOf(session, clients)),
    series: (client, column, mount, sinceMs) =>
      database.read((session) => series(session, client, column, mount, sinceMs)),
  };
}

async function saveNotifications(
  database: Database,
  lease: Lease,
  notifications: NewNotifications,
): Promise<'stored' | 'outdated'> {
  const { dialect } = database;
  const maxBytes = await database.maxBatchBytes();
  try {
    await fenced(database, lease, async (session) => {
      const idOf = await storeMails(session, dialect, notifications.mails, maxBytes);
      await replaceMails(session, notifications.mails, idOf);
      await storeTold(session, dialect, notifications.notified, maxBytes);
      await closeOut(session, notifications.closedOut);
    });
    return 'stored';
  } catch (thrown) {
    if (thrown instanceof Outdated) return 'outdated';
    throw thrown;
  }
}

/** Returns the mails' ids by Message-ID. */
async function storeMails(
  session: Session,
  dialect: Dialect,
  mails: readonly NewMail[],
  maxBytes: number,
): Promise<ReadonlyMap<string, number>> {
  const byMessageId = new Map(mails.map((mail) => [mail.messageId, mail]));
  const told = await idsOf(session, [...byMessageId.keys()]);
  const fresh = [...byMessageId.values()].filter(({ messageId }) => !told.has(messageId));
  const createdAt = sqlTime(await databaseNowMs(session, dialect));
  const rows = fresh.map((mail) => ({
    recipient: mail.recipient,
    message_id: mail.messageId,
    content: mail.content,
    created_at: createdAt,
    severity: mail.severity,
    ordinary: mail.ordinary ? 1 : 0,
  }));
  await insertRows(session, { table: 'mails', columns: mailColumns }, rows, maxBytes);
  const stored = await idsOf(session, [...byMessageId.keys()]);
  const items = fresh.flatMap((mail) => itemRows(mail, stored.get(mail.messageId) ?? null));
  await insertRows(session, { table: 'notifications', columns: itemColumns }, items, maxBytes);
  return stored;
}

async function idsOf(session: Session, messageIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await forChunks(messageIds, (chunk, marks) =>
    session.all(`SELECT id, message_id FROM mails WHERE message_id IN (${marks})`, chunk),
  );
  return new Map(rows.map((row) => [String(row['message_id']), Number(row['id'])]));
}

function itemRows(mail: NewMail, mailId: SqlValue): readonly Record<(typeof itemColumns)[number], SqlValue>[] {
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
  mails: readonly NewMail[],
  idOf: ReadonlyMap<string, number>,
): Promise<void> {
  const replacements = mails.flatMap(({ messageId, replaces }) =>
    replaces.map((id) => ({ id, by: idOf.get(messageId) ?? null })),
  );
  for (const { id, by } of replacements.sort((a, b) => a.id - b.id)) {
    if (id === by) continue;
    if ((await session.run(replaceSql, [by, id, by])) !== 1)
      throw new Outdated(`mail ${id} cannot be replaced any more`);
  }
}

async function storeTold(
  session: Session,
  dialect: Dialect,
  told: readonly LastNotified[],
  maxBytes: number,
): Promise<void> {
  const rows = told.map((one) => ({
    alert_id: one.alertId,
    recipient: one.recipient,
    state: one.state,
    severity: one.severity,
    sequence: one.sequence,
    notified_at: sqlTime(one.notifiedAtMs),
  }));
  const suffix = replacing(dialect, 'alert_id, recipient', toldColumns.slice(2));
  await insertRows(session, { table: 'last_notified', columns: toldColumns, suffix }, rows, maxBytes);
}

async function closeOut(session: Session, ids: readonly number[]): Promise<void> {
  const sql = "UPDATE alerts SET closed_out = 1 WHERE state = 'resolved'";
  await changeIds('id', ids, (where, values) => session.run(`${sql} AND ${where}`, values));
}
