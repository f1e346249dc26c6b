import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { Grid } from '../store/look-store.ts';
import { inSample, restSpan, stepOf } from './read-by-time.ts';

const anySql = 'SELECT id FROM stats WHERE observed_at >= ? AND observed_at < ? LIMIT 1';

/**
 * Returns a report from the rest of a step for each of these clients that has one. The clients have no report in the
 * sample of the step; one failed visit is no outage.
 */
export async function missedSamples(
  session: Session,
  clients: readonly string[],
  grid: Grid,
  step: number,
): Promise<readonly number[]> {
  const rest = restSpan(grid, step);
  if (clients.length === 0 || rest === null) return [];
  // A single lookup suffices for a step before the first report or without a collector.
  if ((await session.all(anySql, rest)).length === 0) return [];
  const rows = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT MIN(id) AS id FROM stats WHERE client IN (${marks}) ` +
        'AND observed_at >= ? AND observed_at < ? GROUP BY client',
      [...chunk, ...rest],
    ),
  );
  return rows.map(({ id }) => Number(id));
}

/** Returns a report from the rest of each step in which the client has one: its id, and the step. */
export async function restsOfClient(
  session: Session,
  client: string,
  grid: Grid,
): Promise<ReadonlyMap<number, number>> {
  // Reads the index once, because a client that was away for days has hundreds of such steps.
  const rows = await session.all(
    `SELECT ${stepOf(session, grid)} AS place, MIN(id) AS id FROM stats
     WHERE client = ? AND observed_at >= ? AND observed_at < ? AND NOT (${inSample(session, grid)}) GROUP BY place`,
    [client, sqlTime(grid.sinceMs), sqlTime(grid.untilMs)],
  );
  return new Map(rows.map(({ id, place }) => [Number(id), Number(place)]));
}
