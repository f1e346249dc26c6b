import { numberOrNull } from '../store/record-shape.ts';
import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { FleetLine, Grid, VisitCount, VisitPieces } from '../store/look-store.ts';
import { inSample, stepOf } from './read-by-time.ts';

/** Implements PlotStore.fleetLines. */
export async function fleetLines(
  session: Session,
  clients: readonly string[],
  grid: Grid,
  { sinceMs: dayMs, pieceMs, pieces }: VisitPieces,
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
  // Ranges of the index: to compute the piece of each row from its time takes as long as to read all rows.
  const starts = Array.from({ length: pieces }, (_, piece) => sqlTime(dayMs + piece * pieceMs));
  const visits = await forChunks(clients, (chunk, marks) =>
    session.all(
      starts
        .map(
          (_, piece) => `SELECT client, ${piece} AS piece, COUNT(*) AS visits, SUM(ok) AS succeeded FROM visits
            WHERE client IN (${marks}) AND started_at >= ? AND started_at < ? GROUP BY client`,
        )
        .join(' UNION ALL '),
      starts.flatMap((start, piece) => [...chunk, start, starts[piece + 1] ?? sqlTime(dayMs + pieces * pieceMs)]),
    ),
  );
  const lines = new Map(
    clients.map((client) => {
      const cpu = new Array<number | null>(points).fill(null);
      return [client, { cpu, pieces: new Array<VisitCount | null>(pieces).fill(null), visits: 0, succeeded: 0 }];
    }),
  );
  for (const row of figures) {
    const line = lines.get(String(row['client']));
    if (line !== undefined) line.cpu[Number(row['place'])] = numberOrNull(row['cpu']);
  }
  for (const row of visits) {
    const line = lines.get(String(row['client']));
    if (line === undefined) continue;
    const count = { visits: Number(row['visits']), succeeded: Number(row['succeeded']) };
    line.pieces[Number(row['piece'])] = count;
    line.visits += count.visits;
    line.succeeded += count.succeeded;
  }
  return lines;
}
