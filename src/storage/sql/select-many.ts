import type { Dialect } from './dialect.ts';
import type { Session, SqlRow, SqlValue } from './session.ts';

/**
 * `SELECT columns FROM ...` for thousands of rows, in the way that costs least; `from` is what follows FROM. Their order is
 * that of `from` on one database and may be any on the other, so whom it concerns sorts.
 */
export async function selectMany(
  session: Session,
  dialect: Dialect,
  columns: readonly string[],
  from: string,
  values: readonly SqlValue[],
): Promise<readonly SqlRow[]> {
  const sql = `SELECT ${columns.join(', ')} FROM ${from}`;
  if (dialect.foldRows === null) return session.all(sql, values);
  const [row] = await session.all(`SELECT ${dialect.foldRows(columns)} AS folded FROM (${sql})`, values);
  return JSON.parse(String(row?.['folded'] ?? '[]')) as readonly SqlRow[];
}
