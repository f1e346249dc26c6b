import type { Database } from '../sql/database.ts';

// A mail that is discarded is marked as replaced by itself.
const discardSql = (now: string): string => `UPDATE mails SET replaced_by = id WHERE id = ? AND sent_at IS NULL
  AND replaced_by IS NULL AND (claimed_until IS NULL OR claimed_until <= ${now})`;
const endSql = `SELECT 1 AS found FROM notifications
  WHERE mail_id = ? AND before_state IS NOT NULL AND transition IN ('resolved', 'ended') LIMIT 1`;
const dropSql = `UPDATE mails SET replaced_by = id, error = ?, claimed_until = NULL
  WHERE id = ? AND claimed_by = ? AND sent_at IS NULL AND replaced_by IS NULL`;
const forgetSql = `DELETE FROM told WHERE recipient = ? AND alert_id IN
  (SELECT alert_id FROM notifications WHERE mail_id = ? AND before_state IS NULL)`;

/** See AlertStore.discardMail. */
export async function discardMail(database: Database, id: number): Promise<boolean> {
  return (await database.write((session) => session.run(discardSql(database.dialect.now), [id]))) === 1;
}

/** See AlertStore.dropMail. */
export async function dropMail(
  database: Database,
  { id, recipient }: { readonly id: number; readonly recipient: string },
  holder: string,
): Promise<boolean> {
  return database.write(async (session) => {
    if ((await session.all(endSql, [id])).length > 0) return false;
    if ((await session.run(dropSql, ['config.xml does not name the recipient', id, holder])) !== 1) return false;
    await session.run(forgetSql, [recipient, id]);
    return true;
  });
}
