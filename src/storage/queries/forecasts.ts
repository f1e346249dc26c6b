import { compareText } from '../../text/compare-text.ts';
import { numberOrNull } from '../rows/columns.ts';
import type { Session, SqlRow } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import type { StoredForecast } from '../store/level-store.ts';

const selectSql = `SELECT client, mount, kind, days_left, days_low, days_high, short_days, growth_per_day, since, as_of
  FROM forecasts`;

/** Implements LevelStore.forecasts. */
export async function readForecasts(
  session: Session,
  clients: readonly string[] | null,
): Promise<readonly StoredForecast[]> {
  const rows =
    clients === null
      ? await session.all(selectSql)
      : await forChunks([...new Set(clients)], (chunk, marks) =>
          session.all(`${selectSql} WHERE client IN (${marks})`, chunk),
        );
  return rows
    .map(storedForecast)
    .sort(
      (one, other) =>
        one.daysLeft - other.daysLeft ||
        compareText(one.client, other.client) ||
        compareText(one.mount, other.mount) ||
        compareText(one.kind, other.kind),
    );
}

function storedForecast(row: SqlRow): StoredForecast {
  return {
    client: String(row['client']),
    mount: String(row['mount']),
    kind: row['kind'] === 'inodes' ? 'inodes' : 'space',
    daysLeft: Number(row['days_left']),
    daysLow: Number(row['days_low']),
    daysHigh: numberOrNull(row['days_high']),
    shortDays: numberOrNull(row['short_days']),
    growthPerDay: Number(row['growth_per_day']),
    sinceMs: fromSqlTime(`${String(row['since'])} 00:00:00.000`) ?? 0,
    asOfMs: fromSqlTime(row['as_of']) ?? 0,
  };
}
