import { alerterState } from './alerter-state.ts';
import { exportsOf, systemsOf } from '../rows/stored-rows.ts';
import { changeIds } from '../sql/by-ids.ts';
import type { Database, Session, SqlValue } from '../sql/database.ts';
import { databaseNowMs, sqlTime } from '../sql/sql-time.ts';
import { forChunks, insertRows, replaceRows, type Values } from '../sql/insert-rows.ts';
import type { LastNotified } from '../store/alert.ts';
import type { Lease } from '../store/lease-store.ts';
import type { NewNotifications, NotificationStore } from '../store/notification-store.ts';
import type { NewMail } from '../store/outbox-store.ts';
import { fenced } from './lease.ts';
import { series } from '../queries/series.ts';

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
  try {
    await fenced(database, lease, async (session) => {
      const idOf = await storeMails(session, notifications.mails);
      await replaceMails(session, notifications.mails, idOf);
      await storeTold(session, notifications.notified);
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
  const told = await idsOf(session, [...byMessageId.keys()]);
  const fresh = [...byMessageId.values()].filter(({ messageId }) => !told.has(messageId));
  const createdAt = sqlTime(await databaseNowMs(session));
  const rows = fresh.map((mail) => ({
    recipient: mail.recipient,
    message_id: mail.messageId,
    content: mail.content,
    created_at: createdAt,
    severity: mail.severity,
    ordinary: mail.ordinary ? 1 : 0,
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

async function storeTold(session: Session, told: readonly LastNotified[]): Promise<void> {
  const rows = told.map((one) => ({
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
