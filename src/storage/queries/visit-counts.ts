import type { Database } from '../sql/database.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { FiguresQuery, VisitCount, Watch } from '../store/look-store.ts';
import { inSteps, isReadByTime, stepSpan } from './read-by-time.ts';

const countsSql = 'SELECT client, COUNT(*) AS visits, SUM(ok) AS succeeded FROM visits WHERE';

/** Implements PlotStore.visitCounts. Reads clients whole if they are read one by one, because they are few. */
export async function visitCounts(
  database: Database,
  { clients, grid }: Pick<FiguresQuery, 'clients' | 'grid'>,
  watch: Watch,
): Promise<ReadonlyMap<string, VisitCount>> {
  const counts = new Map(clients.map((client) => [client, { visits: 0, succeeded: 0 }]));
  const add = async (condition: string, values: readonly string[]): Promise<void> => {
    const sql = `${countsSql} ${condition} started_at >= ? AND started_at < ? GROUP BY client`;
    for (const row of await database.read((session) => session.all(sql, values))) {
      const count = counts.get(String(row['client']));
      if (count === undefined) continue;
      count.visits += Number(row['visits']);
      count.succeeded += Number(row['succeeded']);
    }
  };
  const isByTime = await isReadByTime(database, clients);
  const stepDone = inSteps(watch, isByTime ? grid.points : clients.length);
  for (let step = 0; isByTime && step < grid.points; step += 1) {
    await add('', stepSpan(grid, step));
    await stepDone();
  }
  for (const client of isByTime ? [] : clients) {
    await add('client = ? AND', [client, sqlTime(grid.sinceMs), sqlTime(grid.untilMs)]);
    await stepDone();
  }
  return new Map([...counts].filter(([, { visits }]) => visits > 0));
}
