import { compareText } from '../../text/compare-text.ts';
import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { storedForecast, type StoredForecast } from '../store/level-store.ts';

const selectSql = `SELECT ${storedForecast.columns} FROM forecasts`;

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
    .map(storedForecast.read)
    .sort(
      (one, other) =>
        one.daysLeft - other.daysLeft ||
        compareText(one.client, other.client) ||
        compareText(one.mount, other.mount) ||
        compareText(one.kind, other.kind),
    );
}
