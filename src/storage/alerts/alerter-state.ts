import { dayMs, hourMs } from '../../platform/units.ts';
import type { AlerterState } from '../store/notification-store.ts';
import type { RecipientHistory, WaitingMail } from '../store/outbox-store.ts';
import type { StoredNotification, Transition } from '../store/alert.ts';
import { alertColumns, storedAlert, storedLastNotified } from '../rows/alert-rows.ts';
import type { Severity } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { silencesAfter } from './operator.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlRow } from '../sql/database.ts';

const alertsSql = `SELECT ${alertColumns} FROM alerts WHERE closed_out = 0 ORDER BY id`;
const toldSql = `SELECT t.alert_id, t.recipient, t.state, t.severity, t.sequence, t.notified_at
  FROM alerts a JOIN last_notified t ON t.alert_id = a.id WHERE a.closed_out = 0 ORDER BY t.alert_id, t.recipient`;
const recentSql = `SELECT recipient, created_at FROM mails WHERE created_at > ? AND replaced_by IS NULL
  ORDER BY created_at, id`;
const urgentSql = `SELECT m.recipient, a.client, COUNT(DISTINCT m.id) AS mails
  FROM mails m JOIN notifications n ON n.mail_id = m.id JOIN alerts a ON a.id = n.alert_id
  WHERE m.created_at > ? AND m.replaced_by IS NULL AND m.ordinary = 0 AND n.transition IN ('firing', 'escalated')
  GROUP BY m.recipient, a.client`;
const ordinarySql = `SELECT recipient, MAX(created_at) AS at FROM mails WHERE ordinary = 1 AND replaced_by IS NULL
  GROUP BY recipient`;
const waitingSql = `SELECT id, recipient, created_at, data_at FROM mails
  WHERE sent_at IS NULL AND failed_at IS NULL AND replaced_by IS NULL ORDER BY id`;
const itemsSql = `SELECT n.mail_id, n.alert_id, n.sequence, n.transition, n.before_state, n.before_severity,
    n.before_sequence, n.before_notified_at
  FROM mails m JOIN notifications n ON n.mail_id = m.id
  WHERE m.sent_at IS NULL AND m.failed_at IS NULL AND m.replaced_by IS NULL ORDER BY n.id`;

/** See NotificationStore.state. */
export async function alerterState(session: Session, nowMs: number): Promise<AlerterState> {
  const unended = await silencesAfter(session, nowMs - dayMs);
  return {
    alerts: (await session.all(alertsSql)).map(storedAlert),
    notified: (await session.all(toldSql)).map(storedLastNotified),
    silences: unended.filter(({ endsAtMs }) => endsAtMs > nowMs),
    endedSilences: unended.filter(({ endsAtMs }) => endsAtMs <= nowMs),
    histories: await histories(session, nowMs),
    ...(await waitingMails(session)),
  };
}

async function histories(session: Session, nowMs: number): Promise<readonly RecipientHistory[]> {
  const recent = groupBy(await session.all(recentSql, [sqlTime(nowMs - hourMs)]), ({ recipient }) => String(recipient));
  const urgent = groupBy(await session.all(urgentSql, [sqlTime(nowMs - hourMs)]), ({ recipient }) => String(recipient));
  const ordinary = new Map((await session.all(ordinarySql)).map((row) => [String(row['recipient']), row['at']]));
  return [...new Set([...recent.keys(), ...ordinary.keys()])].map((recipient) => ({
    recipient,
    createdAtMs: (recent.get(recipient) ?? []).map((row) => fromSqlTime(row['created_at']) ?? 0),
    lastOrdinaryAtMs: fromSqlTime(ordinary.get(recipient)),
    urgentOfClient: new Map(
      (urgent.get(recipient) ?? []).map((row) => [String(row['client']), Number(row['mails'])] as const),
    ),
  }));
}

async function waitingMails(session: Session): Promise<Pick<AlerterState, 'waiting' | 'begun'>> {
  const mails = await session.all(waitingSql);
  if (mails.length === 0) return { waiting: [], begun: [] };
  const items = groupBy(await session.all(itemsSql), (row) => Number(row['mail_id']));
  const waiting = mails.map((row) => ({
    id: Number(row['id']),
    recipient: String(row['recipient']),
    createdAtMs: fromSqlTime(row['created_at']) ?? 0,
    items: (items.get(Number(row['id'])) ?? []).map(storedNotification),
    isBegun: row['data_at'] !== null,
  }));
  // A mail about no alert (a refused mail's notice) has no notification that another mail could carry.
  const telling = waiting.filter(({ items: told }) => told.length > 0);
  const mailOf = ({ id, recipient, createdAtMs, items: told }: (typeof waiting)[number]): WaitingMail => ({
    id,
    recipient,
    createdAtMs,
    items: told,
  });
  return {
    waiting: telling.filter(({ isBegun }) => !isBegun).map(mailOf),
    begun: telling.filter(({ isBegun }) => isBegun).map(mailOf),
  };
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
