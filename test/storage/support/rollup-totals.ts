import type { Database } from '../../../src/storage/sql/database.ts';
import { rollupSources, rollupTable } from '../../../src/storage/retention/rollup.ts';

/** Returns the totals of each table over raw rows and rollups together. Pruning must not change them. */
export async function rollupTotals(
  database: Database,
  span: 'hour' | 'day',
): Promise<Readonly<Record<string, readonly [rows: number, known: number, sum: number]>>> {
  const totals: Record<string, readonly [number, number, number]> = {};
  for (const source of rollupSources) {
    // A single metric represents all: one statement adds all metrics of a row.
    const metric = {
      stats: 'cpu_percent',
      disk_stats: 'used_percent',
      network_stats: 'rx_bytes_per_s',
      check_stats: 'state',
      samples: 'value',
    }[source.table];
    const [row] = await database.read((session) =>
      session.all(
        `SELECT r.n + u.n AS n, r.known + u.known AS known, r.total + u.total AS total
         FROM (SELECT COUNT(*) AS n, COUNT(${metric}) AS known, COALESCE(SUM(${metric}), 0) AS total FROM ${source.table}) r,
              (SELECT COALESCE(SUM(samples), 0) AS n, COALESCE(SUM(${metric}_count), 0) AS known,
                      COALESCE(SUM(${metric}_count * ${metric}_mean), 0) AS total FROM ${rollupTable(source, span)}) u`,
      ),
    );
    totals[source.table] = [Number(row?.['n']), Number(row?.['known']), Math.round(Number(row?.['total']) * 1e6) / 1e6];
  }
  return totals;
}
