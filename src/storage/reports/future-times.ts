import { hourMs } from '../../platform/units.ts';
import { databaseNowMs } from '../sql/database-now.ts';
import type { Dialect } from '../sql/dialect.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { Session } from '../sql/session.ts';

/** Clocks of two machines may differ by so much without harm. */
const toleratedMs = hourMs;

const columns = ['first_seen', 'last_visit_at', 'last_report_at', 'inventory_at'] as const;
const isFuture = columns.map((column) => `${column} > ?`).join(' OR ');
const findSql = `SELECT 1 AS found FROM clients WHERE ${isFuture} LIMIT 1`;
const settleSql = `UPDATE clients SET
  ${columns.map((column) => `${column} = CASE WHEN ${column} > ? THEN ? ELSE ${column} END`).join(', ')}
  WHERE ${isFuture}`;

/**
 * Sets times of `clients` to now that lie further ahead of the database's clock than clocks may differ: they were
 * stored under a wrong clock, and no row that comes would be newer for years.
 */
export async function settleFutureTimes(session: Session, dialect: Dialect): Promise<void> {
  const nowMs = await databaseNowMs(session, dialect);
  const [now, far] = [sqlTime(nowMs), sqlTime(nowMs + toleratedMs)];
  const each = columns.map(() => far);
  if ((await session.all(findSql, each)).length === 0) return;
  await session.run(settleSql, [...columns.flatMap(() => [far, now]), ...each]);
}
