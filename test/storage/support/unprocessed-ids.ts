import type { Session } from '../../../src/storage/sql/database.ts';

/** Returns the ids of rows that no alerter has processed, in the order of their arrival. */
export async function unprocessedIds(
  session: Session,
  table: 'stats' | 'visits',
  limit: number,
): Promise<readonly number[]> {
  const sql = `SELECT id FROM ${table} WHERE processed_at IS NULL ORDER BY id LIMIT ?`;
  return (await session.all(sql, [String(limit)])).map((row) => Number(row['id']));
}
