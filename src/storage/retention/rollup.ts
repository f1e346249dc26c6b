import { maxSubjects } from '../../report/limits.ts';
import type { Database, Session, SqlValue } from '../sql/database.ts';
import { mergeSelected, type Selected } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import {
  rollupColumns,
  rollupKey,
  type RollupSource,
  rollupSources,
  type RollupSpan,
  rollupTable,
} from '../sql/rollups.ts';

export interface RollUpOptions {
  /** The hour of UTC in which all the rows were observed. */
  readonly hourMs: number;
  readonly spans: readonly RollupSpan[];
  /** The ids of rows in `stats`. An id may occur twice. */
  readonly statIds: readonly SqlValue[];
  /** The placeholders of `statIds`, one for each id. */
  readonly marks: string;
}

/**
 * Adds rows of `stats` and the rows that refer to them to the rollups of their hour and day, whether these exist or
 * not. The caller deletes the rows in the same transaction, so that each counts once. NULL counts for nothing; a mean
 * is the mean of the rows, regardless of their duration. Adds the most frequent mounts and interfaces of each client,
 * as many as a report may have: the client chooses the names, and rollups stay for years.
 */
export async function rollUp(session: Session, options: RollUpOptions): Promise<void> {
  const { hourMs, spans, statIds, marks } = options;
  for (const span of spans) {
    for (const source of rollupSources) {
      const values = [spanStart(span, hourMs), ...statIds];
      await mergeRollups(session, source, span, { select: rollUpSql(source, span, marks), values });
    }
  }
}

/** Returns the value of the column `hour` or `day` for a time. */
export function spanStart(span: RollupSpan, timeMs: number): string {
  const text = sqlTime(timeMs);
  return span === 'day' ? text.slice(0, 10) : `${text.slice(0, 13)}:00:00`;
}

/** Merges the rows of a SELECT into those of a rollup. */
export async function mergeRollups(
  session: Session,
  source: RollupSource,
  span: RollupSpan,
  rows: Pick<Selected, 'select' | 'values'>,
): Promise<void> {
  const table = rollupTable(source, span);
  const columns = rollupColumns(source, span);
  await mergeSelected(session, table, rollupKey(source, span), { columns, ...rows }, (incoming) =>
    mergedFigures(table, source, incoming),
  );
}

function rollUpSql(source: RollupSource, span: RollupSpan, marks: string): string {
  const { table, from = table, statId, subject, metrics } = source;
  const subjects = subject === null ? [] : [subject];
  const figures = metrics.flatMap((metric) => [
    `MIN(${metric}) AS ${metric}_min`,
    // MySQL makes the mean of integers a decimal with four digits.
    `AVG(1.0E0 * ${metric}) AS ${metric}_mean`,
    `MAX(${metric}) AS ${metric}_max`,
    `COUNT(${metric}) AS ${metric}_count`,
  ]);
  const values = [...subjects, 'COUNT(*) AS samples', ...figures];
  const rows = `FROM ${from} WHERE ${statId} IN (${marks}) GROUP BY ${['client', ...subjects].join(', ')}`;
  const time = `? AS ${span}`;
  if (subject === null) return `SELECT client, ${time}, ${values.join(', ')} ${rows}`;
  const place = `ROW_NUMBER() OVER (PARTITION BY client ORDER BY COUNT(*) DESC, ${subject}) AS place`;
  const [, , ...named] = rollupColumns(source, span);
  return `SELECT client, ${time}, ${named.join(', ')} FROM (SELECT client, ${[...values, place].join(', ')} ${rows}) AS named
    WHERE place <= ${maxSubjects}`;
}

/** Merges a row into an existing one of a rollup. */
function mergedFigures(
  table: string,
  { metrics }: RollupSource,
  incoming: (column: string) => string,
): readonly string[] {
  const assignments = metrics.flatMap((metric) => {
    const own = (part: string): string => `${table}.${metric}_${part}`;
    const other = (part: string): string => incoming(`${metric}_${part}`);
    const extreme = (part: 'min' | 'max', comparison: '<' | '>'): string =>
      `${metric}_${part} = CASE WHEN ${own(part)} IS NULL OR ${other(part)} ${comparison} ${own(part)}
        THEN ${other(part)} ELSE ${own(part)} END`;
    // Before the count: MySQL makes assignments one after the other and would weigh with the new count.
    const mean = `${metric}_mean = CASE WHEN ${other('count')} = 0 THEN ${own('mean')}
      WHEN ${own('count')} = 0 THEN ${other('mean')}
      ELSE (${own('mean')} * ${own('count')} + ${other('mean')} * ${other('count')})
        / (${own('count')} + ${other('count')}) END`;
    return [extreme('min', '<'), mean, extreme('max', '>'), `${metric}_count = ${own('count')} + ${other('count')}`];
  });
  return [...assignments, `samples = ${table}.samples + ${incoming('samples')}`];
}

/** The clients of one transaction. Each has an hour of expired rows, or many after a change of the retention. */
const batchClients = 50;

/**
 * Returns the query for clients with rows older than a time; `clients` holds every client ever visited. Values: oldest
 * to keep, limit. (With EXISTS, MariaDB reads the whole table.)
 */
export function expiredSql(source: { readonly table: string }, span: RollupSpan): string {
  return `SELECT c.name AS name FROM clients c
    WHERE (SELECT t.${span} FROM ${rollupTable(source, span)} t WHERE t.client = c.name ORDER BY t.${span} LIMIT 1) < ?
    ORDER BY c.name LIMIT ?`;
}

/**
 * Removes the rows of a rollup from before a time, for some clients and the oldest first. Returns the number of removed
 * rows, not many more than `limit`; null if there is nothing left.
 */
export async function expireRollup(
  database: Database,
  source: { readonly table: string },
  span: RollupSpan,
  before: string,
  limit: number,
): Promise<number | null> {
  const clients = await database.read((session) =>
    session.all(expiredSql(source, span), [before, String(batchClients)]),
  );
  if (clients.length === 0) return null;
  const table = rollupTable(source, span);
  return database.write(async (session) => {
    let count = 0;
    for (const { name = null } of clients) {
      if (count >= limit) break;
      const [last] = await session.all(
        `SELECT ${span} AS at FROM ${table} WHERE client = ? AND ${span} < ? ORDER BY ${span} LIMIT 1 OFFSET ?`,
        [name, before, String(limit)],
      );
      const [comparison, end] = last === undefined ? ['<', before] : ['<=', last['at'] ?? before];
      count += await session.run(`DELETE FROM ${table} WHERE client = ? AND ${span} ${comparison} ?`, [name, end]);
    }
    return count;
  });
}
