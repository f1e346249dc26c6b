import type { Database, Session } from '../sql/database.ts';
import { forChunks, replaceRows, type Values } from '../sql/insert-rows.ts';
import { databaseNowMs, fromSqlTime, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import { restoredRows, type Restored, type RunEnd, type RunStart } from '../store/run.ts';
import type { ReportStore } from '../store/storage.ts';
import { hourMs } from '../../platform/units.ts';

/** Implements ReportStore.startRun. */
export async function startRun(database: Database, run: RunStart): Promise<void> {
  await database.write(async (session) => {
    await settleFutureTimes(session);
    await putStarts(session, [run]);
  });
}

/** Implements ReportStore.endRun. */
export async function endRun(database: Database, start: RunStart, end: RunEnd): Promise<void> {
  await database.write((session) => putEnds(session, [{ start, end }]));
}

/** Implements ReportStore.saveRuns. */
export async function saveRuns(database: Database, runs: Parameters<ReportStore['saveRuns']>[0]): Promise<void> {
  await database.write(async (session) => {
    const ids = new Set(runs.map(({ start }) => start.id));
    const rows = await forChunks([...ids], (chunk, marks) =>
      session.all(`SELECT id, outcome FROM runs WHERE id IN (${marks})`, chunk),
    );
    const outcomes = new Map(rows.map((row) => [String(row['id']), String(row['outcome'])]));
    const starts: RunStart[] = [];
    const ends: EndedRun[] = [];
    for (const { start, end } of runs) {
      const outcome = outcomes.get(start.id);
      if (end === null && outcome === undefined) starts.push(start);
      if (end !== null && (outcome === undefined || outcome === 'running')) ends.push({ start, end });
      outcomes.set(start.id, end?.outcome ?? outcome ?? 'running');
    }
    await putStarts(session, starts);
    await putEnds(session, ends);
  });
}

/** Implements ReportStore.runsOf. */
export async function runsOf(
  database: Database,
  collectorId: string,
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const sql = "SELECT id, started_at FROM runs WHERE program = 'collect' AND started_at >= ? AND collector_id = ?";
  const rows = await database.read((session) => session.all(sql, [sqlTime(sinceMs), collectorId]));
  return new Map(rows.map((row) => [String(row['id']), fromSqlTime(row['started_at']) ?? 0]));
}

async function putStarts(session: Session, runs: readonly RunStart[]): Promise<void> {
  const rows = runs.map((run) => ({ ...startValues(run), outcome: 'running' }));
  await replaceRows(session, 'runs', ['id'], rows, ['id']);
}

interface EndedRun {
  readonly start: RunStart;
  readonly end: RunEnd;
}

async function putEnds(session: Session, runs: readonly EndedRun[]): Promise<void> {
  const rows = runs.map(({ start, end }) => ({ ...startValues(start), ...endValues(end) }));
  const replaced = runs.slice(0, 1).flatMap(({ end }) => Object.keys(endValues(end)));
  await replaceRows(session, 'runs', ['id'], rows, replaced);
}

function startValues(run: RunStart): Values {
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

function endValues(end: RunEnd): Values {
  return {
    outcome: end.outcome,
    finished_at: sqlTime(end.finishedAtMs),
    clients: end.clients,
    succeeded: end.succeeded,
    failed: end.failed,
    skipped: end.skipped,
    cpu_ms: Math.round(end.cpuMs),
    max_rss_bytes: Math.round(end.maxRssBytes),
    ...restoredValues(end.restored ?? null),
  };
}

const longestNote = 500;

function restoredValues(restored: Restored | null): Values {
  return {
    restored: restored === null ? null : restoredRows(restored),
    restored_reports: restored?.reports ?? null,
    restored_from: sqlTimeOrNull(restored?.fromMs ?? null),
    restored_to: sqlTimeOrNull(restored?.toMs ?? null),
    restored_note: restored?.note?.slice(0, longestNote) ?? null,
  };
}

/** The difference between the clocks of two machines that does no harm. */
const toleratedMs = hourMs;

const columns = ['first_seen', 'last_visit_at', 'last_report_at', 'inventory_at'] as const;
const isFuture = columns.map((column) => `${column} > ?`).join(' OR ');
const findSql = `SELECT 1 AS found FROM clients WHERE ${isFuture} LIMIT 1`;
const settleSql = `UPDATE clients SET
  ${columns.map((column) => `${column} = CASE WHEN ${column} > ? THEN ? ELSE ${column} END`).join(', ')}
  WHERE ${isFuture}`;

/**
 * Sets times of `clients` to now if they lie more than an hour ahead of the database's clock. They were stored under a
 * wrong clock, and no new row would be newer for years.
 */
export async function settleFutureTimes(session: Session): Promise<void> {
  const nowMs = await databaseNowMs(session);
  const [now, far] = [sqlTime(nowMs), sqlTime(nowMs + toleratedMs)];
  const each = columns.map(() => far);
  if ((await session.all(findSql, each)).length === 0) return;
  await session.run(settleSql, [...columns.flatMap(() => [far, now]), ...each]);
}
