import type { LogCount } from '../../report/log-lines.ts';
import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { storedLogLine, type StoredLogLine } from '../store/detail-store.ts';
import type { LogLinesQuery } from '../store/look-store.ts';

const { columns } = storedLogLine;
const newestFirst = 'ORDER BY observed_at DESC, stat_id DESC, ordinal DESC LIMIT ?';
// By the index on client and observed_at.
const isOfSpan = 'observed_at >= ? AND observed_at < ?';

const newestSql = `SELECT ${columns} FROM log_lines WHERE client = ? ${newestFirst}`;
const ofSpanSql = `SELECT ${columns} FROM log_lines WHERE client = ? AND ${isOfSpan} ${newestFirst}`;

/** Implements DetailStore.logLinesOf. */
export async function logLinesOf(session: Session, client: string, limit: number): Promise<readonly StoredLogLine[]> {
  return (await session.all(newestSql, [client, String(limit)])).map(storedLogLine.read);
}

const countsSql = `SELECT k.metric, k.labels, m.value FROM samples m JOIN series k ON k.id = m.series_id
  WHERE m.stat_id = (SELECT MAX(id) FROM stats WHERE client = ?)
    AND k.metric IN ('log_errors', 'log_matches') AND k.unit = 'count' ORDER BY k.metric, k.labels`;

/** Implements DetailStore.logCountsOf. */
export async function logCountsOf(session: Session, client: string): Promise<readonly LogCount[]> {
  return (await session.all(countsSql, [client])).map((row) => ({
    metric: row['metric'] as LogCount['metric'],
    labels: JSON.parse(String(row['labels'])) as LogCount['labels'],
    count: Number(row['value']),
  }));
}

/** Implements RecordStore.logLinesOfClients. Queries only clients that have lines. */
export async function logLinesOfClients(
  session: Session,
  clients: readonly string[],
  { sinceMs, untilMs, limit }: LogLinesQuery,
): Promise<ReadonlyMap<string, readonly StoredLogLine[]>> {
  const span = [sqlTime(sinceMs), sqlTime(untilMs)];
  const having = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT c.name FROM clients c WHERE c.name IN (${marks})
         AND EXISTS (SELECT 1 FROM log_lines WHERE client = c.name AND ${isOfSpan})`,
      [...chunk, ...span],
    ),
  );
  const lines = new Map<string, readonly StoredLogLine[]>();
  for (const { name } of having) {
    const rows = await session.all(ofSpanSql, [String(name), ...span, String(limit)]);
    lines.set(String(name), rows.map(storedLogLine.read));
  }
  return lines;
}
