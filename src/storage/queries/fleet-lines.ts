import { numberOrNull } from '../store/record-shape.ts';
import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { FleetLine, Grid } from '../store/look-store.ts';
import { inSample, stepOf } from './read-by-time.ts';

/** Implements PlotStore.fleetLines. */
export async function fleetLines(
  session: Session,
  clients: readonly string[],
  grid: Grid,
): Promise<ReadonlyMap<string, FleetLine>> {
  const { sinceMs, stepMs, points } = grid;
  const span = [sqlTime(sinceMs), sqlTime(sinceMs + stepMs * points)];
  const figures = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT client, ${stepOf(session, grid)} AS place, AVG(cpu_percent + 0e0) AS cpu FROM stats
       WHERE client IN (${marks}) AND observed_at >= ? AND observed_at < ? AND ${inSample(session, grid)}
       GROUP BY client, place`,
      [...chunk, ...span],
    ),
  );
  const visits = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT client, COUNT(*) AS visits, SUM(ok) AS succeeded FROM visits
       WHERE client IN (${marks}) AND started_at >= ? AND started_at < ? GROUP BY client`,
      [...chunk, ...span],
    ),
  );
  const lines = new Map(
    clients.map((client) => [client, { cpu: new Array<number | null>(points).fill(null), visits: 0, succeeded: 0 }]),
  );
  for (const row of figures) {
    const line = lines.get(String(row['client']));
    if (line !== undefined) line.cpu[Number(row['place'])] = numberOrNull(row['cpu']);
  }
  for (const row of visits) {
    const line = lines.get(String(row['client']));
    if (line !== undefined) Object.assign(line, { visits: Number(row['visits']), succeeded: Number(row['succeeded']) });
  }
  return lines;
}
