import { forIds } from '../sql/by-ids.ts';
import type { Session, SqlRow } from '../sql/database.ts';
import type { NewestSample, Resolution, StoredSeries } from '../store/figure-store.ts';

/** The samples of textfiles and programs: the names of figures of checks have a blank. */
const isOwn = "k.metric NOT LIKE '% %' AND k.unit <> 'per_second'";

/** See FigureStore.countOwnSamples. */
export async function countOwnSamples(session: Session, statIds: readonly number[]): Promise<number> {
  const counts = await forIds('m.stat_id', statIds, (where, values) =>
    session.all(
      `SELECT COUNT(*) AS n FROM samples m JOIN series k ON k.id = m.series_id WHERE ${where} AND ${isOwn}`,
      values,
    ),
  );
  return counts.reduce((sum, { n }) => sum + Number(n), 0);
}

/** See FigureStore.ownSamples. */
export async function ownSamples(session: Session, statIds: readonly number[]): Promise<readonly NewestSample[]> {
  const rows = await forIds('m.stat_id', statIds, (where, values) =>
    session.all(
      `SELECT m.stat_id, k.id, k.metric, k.labels, k.unit, m.value FROM samples m JOIN series k ON k.id = m.series_id
        WHERE ${where} AND ${isOwn} ORDER BY m.stat_id, m.series_id`,
      values,
    ),
  );
  return rows.map((row) => ({ ...storedSeries(row), statId: Number(row['stat_id']), value: Number(row['value']) }));
}

/** See FigureStore.series. */
export async function seriesOf(session: Session, client: string): Promise<readonly StoredSeries[]> {
  const rows = await session.all(
    `SELECT id, metric, labels, unit FROM series WHERE client = ? ORDER BY metric, labels, last_on DESC, id DESC`,
    [client],
  );
  return rows.map(storedSeries);
}

function storedSeries(row: SqlRow): StoredSeries {
  const [metric, labels, unit] = [String(row['metric']), String(row['labels']), String(row['unit'])];
  return { id: Number(row['id']), metric, labels, unit };
}

/** Returns samples, or their hours or days, with client and series, for a query that names their columns. */
export function namedSamples(table: string, resolution: Resolution): string {
  if (resolution !== 'row') {
    return `(SELECT r.*, k.metric, k.labels, k.unit FROM ${table} r JOIN series k ON k.id = r.series_id) AS named`;
  }
  return `(SELECT s.client, s.observed_at, m.stat_id, m.series_id, k.metric, k.labels, k.unit, m.value
    FROM stats s JOIN ${table} m ON m.stat_id = s.id JOIN series k ON k.id = m.series_id) AS named`;
}
