import { forIds } from '../sql/by-ids.ts';
import { textOrNull } from '../rows/columns.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { UndeliveredStore, Unsent } from '../store/outbox-store.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import type { Database } from '../sql/database.ts';
import { mailSummary, summaryColumns } from './outbox.ts';
import type { Session, SqlRow } from '../sql/session.ts';

const unsentSql = `SELECT n.alert_id, n.recipient, m.id, m.replaced_by, m.created_at, m.failed_at, m.error
  FROM notifications n JOIN mails m ON m.id = n.mail_id
  WHERE m.sent_at IS NULL AND (m.replaced_by IS NULL OR m.replaced_by = m.id)
    AND NOT EXISTS (SELECT 1 FROM notifications l JOIN mails s ON s.id = l.mail_id
      WHERE l.alert_id = n.alert_id AND l.recipient = n.recipient AND s.id > m.id AND s.sent_at IS NOT NULL)`;

const undeliveredSql = `SELECT ${summaryColumns} FROM mails WHERE sent_at IS NULL AND replaced_by IS NULL
  ORDER BY id LIMIT 1000`;
// A mail that is discarded is marked as replaced by itself.
const discardSql = (now: string): string => `UPDATE mails SET replaced_by = id WHERE id = ? AND sent_at IS NULL
  AND replaced_by IS NULL AND (claimed_until IS NULL OR claimed_until <= ${now})`;

export function createUndeliveredStore(database: Database): UndeliveredStore {
  return {
    undelivered: async () => (await database.read((session) => session.all(undeliveredSql))).map(mailSummary),
    unsentOf: (alertIds) => database.read((session) => unsentOf(session, alertIds)),
    discardMail: async (id) =>
      (await database.write((session) => session.run(discardSql(database.dialect.now), [id]))) === 1,
  };
}

async function unsentOf(session: Session, alertIds: readonly number[]): Promise<readonly Unsent[]> {
  const rows = await forIds('n.alert_id', alertIds, (where, values) =>
    session.all(`${unsentSql} AND ${where} ORDER BY m.id`, values),
  );
  const groups = groupBy(rows, (row) => `${Number(row['alert_id'])} ${String(row['recipient'])}`);
  return [...groups.values()].map(unsent);
}

/** Summarises a recipient's mails about one alert, oldest first. They count as discarded if the newest is. */
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
