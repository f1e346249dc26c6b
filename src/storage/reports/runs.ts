import type { Database } from '../sql/database.ts';
import { settleFutureTimes } from './future-times.ts';
import { insertRows, replacing } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { SqlValue } from '../sql/session.ts';
import type { RunEnd, RunStart } from '../store/run.ts';

const startColumns = [
  'id',
  'program',
  'outcome',
  'collector_id',
  'host',
  'scope',
  'config_digest',
  'started_at',
] as const;
const endColumns = [
  'outcome',
  'finished_at',
  'clients',
  'succeeded',
  'failed',
  'skipped',
  'cpu_ms',
  'max_rss_bytes',
] as const;
const maxBytes = 1024 * 1024;

/** See ReportStore.startRun. */
export async function startRun(database: Database, run: RunStart): Promise<void> {
  const { dialect } = database;
  const suffix = replacing(dialect, 'id', ['id']);
  const row = { ...startValues(run), outcome: 'running' };
  await database.write(async (session) => {
    await settleFutureTimes(session, dialect);
    await insertRows(session, { table: 'runs', columns: startColumns, suffix }, [row], maxBytes);
  });
}

/** See ReportStore.endRun. */
export async function endRun(database: Database, start: RunStart, end: RunEnd): Promise<void> {
  const { dialect } = database;
  const suffix = replacing(dialect, 'id', endColumns);
  const columns = [...startColumns.filter((column) => column !== 'outcome'), ...endColumns];
  const row = { ...startValues(start), ...endValues(end) };
  await database.write((session) => insertRows(session, { table: 'runs', columns, suffix }, [row], maxBytes));
}

function startValues(run: RunStart): Record<Exclude<(typeof startColumns)[number], 'outcome'>, SqlValue> {
  return {
    id: run.id,
    program: run.program,
    collector_id: run.collectorId,
    host: run.host.slice(0, 255),
    scope: run.scope,
    config_digest: run.configDigest,
    started_at: sqlTime(run.startedAtMs),
  };
}

function endValues(end: RunEnd): Record<(typeof endColumns)[number], SqlValue> {
  return {
    outcome: end.outcome,
    finished_at: sqlTime(end.finishedAtMs),
    clients: end.clients,
    succeeded: end.succeeded,
    failed: end.failed,
    skipped: end.skipped,
    cpu_ms: Math.round(end.cpuMs),
    max_rss_bytes: Math.round(end.maxRssBytes),
  };
}
