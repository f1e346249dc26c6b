import { maxSubjects } from '../../report/limits.ts';
import type { Dialect } from '../sql/dialect.ts';
import { mergeSuffix, rollupColumns, rollupSources, rollupTable } from './rollup-tables.ts';
import type { RollupSource, RollupSpan } from './rollup-tables.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlValue } from '../sql/session.ts';

export interface RollUpOptions {
  readonly dialect: Dialect;
  /** An hour of UTC that all the rows were observed in. */
  readonly hourMs: number;
  readonly spans: readonly RollupSpan[];
  /** Ids of `stats`. An id may be there twice. */
  readonly statIds: readonly SqlValue[];
  /** The placeholders of `statIds`, as many as it has ids. */
  readonly marks: string;
}

/**
 * Adds rows of `stats` and what hangs on them to the rollups of their hour and day, whether those have a row already or
 * not. Who calls it deletes the rows in the same transaction: so each counts once. What is NULL counts for nothing; a
 * mean is that of the rows, however long each of them stood. Of each client the most frequent mounts and interfaces are
 * added, as many as a report may have: the names are the client's to choose, and rollups stay for years.
 */
export async function rollUp(session: Session, options: RollUpOptions): Promise<void> {
  const { dialect, hourMs, spans, statIds, marks } = options;
  for (const span of spans) {
    for (const source of rollupSources) {
      await session.run(rollUpSql(dialect, source, span, marks), [spanStart(span, hourMs), ...statIds]);
    }
  }
}

/** Returns the value of the column `hour` or `day` for a time. */
export function spanStart(span: RollupSpan, timeMs: number): string {
  const text = sqlTime(timeMs);
  return span === 'day' ? text.slice(0, 10) : `${text.slice(0, 13)}:00:00`;
}

function rollUpSql(dialect: Dialect, source: RollupSource, span: RollupSpan, marks: string): string {
  const { table, statId, subject, metrics } = source;
  const subjects = subject === null ? [] : [subject];
  const figures = metrics.flatMap((metric) => [
    `MIN(${metric})`,
    // MySQL makes the mean of integers a decimal with four digits.
    `AVG(1.0E0 * ${metric})`,
    `MAX(${metric})`,
    `COUNT(${metric})`,
  ]);
  const columns = rollupColumns(source, span);
  const values = ['client', '?', ...subjects, 'COUNT(*)', ...figures].map(
    (value, at) => `${value} AS ${columns[at] ?? ''}`,
  );
  const rows = `FROM ${table} WHERE ${statId} IN (${marks}) GROUP BY ${['client', ...subjects].join(', ')}`;
  const place = `ROW_NUMBER() OVER (PARTITION BY client ORDER BY COUNT(*) DESC, ${subject ?? ''}) AS place`;
  const select =
    subject === null
      ? `SELECT ${values.join(', ')} ${rows}`
      : `SELECT ${columns.join(', ')} FROM (SELECT ${values.join(', ')}, ${place} ${rows}) AS named
         WHERE place <= ${maxSubjects}`;
  return `INSERT INTO ${rollupTable(source, span)} (${columns.join(', ')})
    ${dialect.selected(select)} ${mergeSuffix(dialect, source, span)}`;
}
