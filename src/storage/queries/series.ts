import { numberOrNull } from '../store/record-shape.ts';
import type { Session } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { SeriesColumn, SeriesPoint } from '../store/notification-store.ts';

/** The most points of a series. A day with a report each minute has 1,440, and a chart needs no more than this. */
const maxPoints = 20_000;

const mountColumns: ReadonlySet<SeriesColumn> = new Set(['used_percent', 'inodes_percent']);

/** Implements NotificationStore.series. */
export async function series(
  session: Session,
  client: string,
  column: SeriesColumn,
  mount: string | null,
  sinceMs: number,
): Promise<readonly SeriesPoint[]> {
  const isOfMount = mountColumns.has(column);
  if (isOfMount && mount === null) return [];
  const [table, condition] = isOfMount ? ['disk_stats', 'AND mount = ?'] : ['stats', ''];
  const sql = `SELECT observed_at, ${column} AS value FROM ${table} WHERE client = ? AND observed_at >= ? ${condition}
    ORDER BY observed_at LIMIT ?`;
  const values = [client, sqlTime(sinceMs), ...(isOfMount ? [mount] : []), String(maxPoints)];
  return (await session.all(sql, values)).map((row) => ({
    atMs: fromSqlTime(row['observed_at']) ?? 0,
    value: numberOrNull(row['value']),
  }));
}
