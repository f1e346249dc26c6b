import { rollupColumns, rollupSources, rollupTable, type RollupSource, type RollupSpan } from '../sql/rollups.ts';
import type { Dialect } from '../sql/database.ts';

/**
 * Returns the statements that make the views of figures anew, whichever there were: the columns of report/metrics.ts
 * are their columns. MySQL lists the columns of `*` when it makes a view. Databases get them with a migration alone.
 */
export function viewStatements(dialect: Dialect): readonly string[] {
  const views: readonly (readonly [name: string, select: string])[] = [
    ['latest_stats', latestSql(dialect)],
    ['present_stats', presentSql(dialect)],
    ...rollupSources.flatMap((source) =>
      (['hour', 'day'] as const).map(
        (span) => [`${source.table}_by_${span}`, bySpanSql(dialect, source, span)] as const,
      ),
    ),
  ];
  return views.flatMap(([name, select]) => dialect.replaceView(name, select));
}

/**
 * Returns the newest row of every client. A row more than an hour ahead of the database's clock was stored under a
 * wrong clock: it is the newest only of a client that has no other.
 */
function latestSql({ farAhead }: Dialect): string {
  return `SELECT s.*, c.address FROM clients c JOIN stats s ON s.id = COALESCE(
    (SELECT n.id FROM stats n WHERE n.client = c.name AND n.observed_at <= ${farAhead}
      ORDER BY n.observed_at DESC, n.id DESC LIMIT 1),
    (SELECT n.id FROM stats n WHERE n.client = c.name ORDER BY n.observed_at DESC, n.id DESC LIMIT 1))`;
}

/**
 * Returns latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client:
 * they were removed from config.xml. A visit more than an hour ahead of the database's clock counts for its own client
 * alone.
 */
function presentSql(dialect: Dialect): string {
  return `SELECT l.* FROM latest_stats l JOIN clients c ON c.name = l.client WHERE c.last_visit_at >=
    (SELECT ${dialect.dayBefore('MAX(v.last_visit_at)')} FROM clients v WHERE v.last_visit_at <= ${dialect.farAhead})`;
}

/**
 * Returns all that is known, by the hour or by the day: what was kept of rows that were removed, and each row that is
 * there as a part of its hour or day. The columns are those of the rollup: each figure is its own least, mean and
 * greatest.
 */
function bySpanSql(dialect: Dialect, source: RollupSource, span: RollupSpan): string {
  const { table, from = table, subject, metrics } = source;
  const observedAt = `${from === table ? table : 'stats'}.observed_at`;
  const time = dialect.spanOf(span, observedAt);
  const subjects = subject === null ? [] : [subject];
  const figures = metrics.flatMap((name) => [name, name, name, `CASE WHEN ${name} IS NULL THEN 0 ELSE 1 END`]);
  return `SELECT ${rollupColumns(source, span).join(', ')} FROM ${rollupTable(source, span)} UNION ALL
    SELECT ${['client', time, ...subjects, '1', ...figures].join(', ')} FROM ${from}`;
}
