import type { Dialect } from '../sql/dialect.ts';
import { StorageFault } from '../sql/fault.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Session, SqlValue } from '../sql/session.ts';

/** Tables whose rows wait for the alerter. */
export type JudgedTable = 'stats' | 'visits';

/** Rows that the alerter has not seen, in the order they came in. Takes no lock: the collector goes on storing. */
export async function unprocessedIds(session: Session, table: JudgedTable, limit: number): Promise<readonly number[]> {
  const sql = `SELECT id FROM ${table} WHERE processed_at IS NULL ORDER BY id LIMIT ?`;
  const rows = await session.all(sql, [String(limit)]);
  return rows.map((row) => Number(row['id']));
}

/**
 * Marks exactly these rows as seen. Throws StorageFault, which undoes the transaction, when one of them is marked or gone
 * already: somebody else judged it. (`processed_at IS NULL AND id <= ?` would mark rows that nobody read: an id is given
 * out before its row is committed.)
 */
export async function markProcessed(
  session: Session,
  dialect: Dialect,
  table: JudgedTable,
  ids: readonly number[],
): Promise<void> {
  const mark = async (where: string, values: readonly SqlValue[]): Promise<readonly number[]> => [
    await session.run(
      `UPDATE ${table} SET processed_at = ${dialect.now} WHERE ${where} AND processed_at IS NULL`,
      values,
    ),
  ];
  const counts = await forIds('id', ids, mark, Infinity);
  const marked = counts.reduce((sum, count) => sum + count, 0);
  if (marked === ids.length) return;
  throw new StorageFault('broken', `${ids.length - marked} of ${ids.length} rows of ${table} were judged by another`);
}
