import type { SqlRow } from '../sql/database.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import { programs, type RunFact } from '../store/run.ts';
import { numberOrNull } from './columns.ts';

/** The columns that runFact reads. */
export const runColumns =
  'id, program, collector_id, host, scope, config_digest, outcome, started_at, finished_at, clients, succeeded, failed';

/** Reads a row of `runs`. */
export function runFact(row: SqlRow): RunFact {
  return {
    id: String(row['id']),
    program: programs.find((program) => program === row['program']) ?? 'collect',
    collectorId: String(row['collector_id']),
    host: String(row['host']),
    scope: row['scope'] === 'full' ? 'full' : 'filtered',
    configDigest: String(row['config_digest']),
    outcome: String(row['outcome']),
    startedAtMs: fromSqlTime(row['started_at']) ?? 0,
    finishedAtMs: fromSqlTime(row['finished_at']),
    clients: numberOrNull(row['clients']),
    succeeded: numberOrNull(row['succeeded']),
    failed: numberOrNull(row['failed']),
  };
}

/** Returns a condition for runs of collectors other than these. Its values are these ids. */
export function byOthers(except: ReadonlySet<string>): string {
  const ids = Array.from(except, () => '?').join(', ');
  return ids === '' ? '' : ` AND (collector_id IS NULL OR collector_id NOT IN (${ids}))`;
}
