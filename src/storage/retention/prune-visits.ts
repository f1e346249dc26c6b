import { mergeRows, placeholders } from '../sql/insert-rows.ts';
import type { Session, SqlValue } from '../sql/database.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import { spanStart } from './rollup.ts';

/** The columns of `visits_daily` that are sums of the same columns of `visits`. */
export const visitSums = ['ok', 'duration_ms', 'bytes_in', 'bytes_out'] as const;

type Day = Record<'client' | 'day', string> & Record<'visits' | (typeof visitSums)[number], number>;

/**
 * Adds visits to the rollups of their day. The caller deletes the visits in the same transaction, so that each counts
 * once: visits that another pruner has removed meanwhile are not found.
 */
export async function rollUpVisits(session: Session, ids: readonly SqlValue[]): Promise<void> {
  const rows = await session.all(
    `SELECT client, started_at, ${visitSums.join(', ')} FROM visits WHERE id IN (${placeholders(ids.length)})
     ORDER BY id${session.dialect.forUpdate}`,
    ids,
  );
  const days = new Map<string, Day>();
  for (const row of rows) {
    const client = String(row['client']);
    const day = spanStart('day', fromSqlTime(row['started_at'] ?? null) ?? 0);
    const known = days.get(`${day} ${client}`) ?? {
      client,
      day,
      visits: 0,
      ok: 0,
      duration_ms: 0,
      bytes_in: 0,
      bytes_out: 0,
    };
    known.visits += 1;
    for (const column of visitSums) known[column] += Number(row[column]);
    days.set(`${day} ${client}`, known);
  }
  // All writers lock rows in the order of their key.
  const inOrder = [...days.values()].sort((one, other) =>
    one.client === other.client ? (one.day < other.day ? -1 : 1) : one.client < other.client ? -1 : 1,
  );
  await mergeRows(session, 'visits_daily', visitDayKey, inOrder, addedVisits);
}

export const visitDayKey = ['client', 'day'] as const;

/** Adds a row to the row of the same day in `visits_daily`. */
export function addedVisits(incoming: (column: string) => string): readonly string[] {
  return ['visits', ...visitSums].map((column) => `${column} = visits_daily.${column} + ${incoming(column)}`);
}
