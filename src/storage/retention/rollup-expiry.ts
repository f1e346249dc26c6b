import type { Database } from '../sql/database.ts';
import { rollupTable, type RollupSource, type RollupSpan } from './rollup-tables.ts';

/** Clients of one transaction: each has an hour of rows that are due, or after a change of the retention many. */
const batchClients = 50;

/**
 * Clients with rows that are older; `clients` has everyone who was ever visited. Values: oldest to keep, limit. (Asked
 * with EXISTS, MariaDB reads the whole table.)
 */
export function expiredSql(source: RollupSource, span: RollupSpan): string {
  return `SELECT c.name AS name FROM clients c
    WHERE (SELECT t.${span} FROM ${rollupTable(source, span)} t WHERE t.client = c.name ORDER BY t.${span} LIMIT 1) < ?
    ORDER BY c.name LIMIT ?`;
}

/**
 * Removes what a rollup has of before a time, of some clients and the oldest first. Returns how many rows went, not
 * many more than `limit`; null when there is nothing left.
 */
export async function expireRollup(
  database: Database,
  source: RollupSource,
  span: RollupSpan,
  before: string,
  limit: number,
): Promise<number | null> {
  const clients = await database.read((session) =>
    session.all(expiredSql(source, span), [before, String(batchClients)]),
  );
  if (clients.length === 0) return null;
  const table = rollupTable(source, span);
  return database.write(async (session) => {
    let count = 0;
    for (const { name = null } of clients) {
      if (count >= limit) break;
      const [last] = await session.all(
        `SELECT ${span} AS at FROM ${table} WHERE client = ? AND ${span} < ? ORDER BY ${span} LIMIT 1 OFFSET ?`,
        [name, before, String(limit)],
      );
      const [comparison, end] = last === undefined ? ['<', before] : ['<=', last['at'] ?? before];
      count += await session.run(`DELETE FROM ${table} WHERE client = ? AND ${span} ${comparison} ?`, [name, end]);
    }
    return count;
  });
}
