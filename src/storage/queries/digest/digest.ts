/** src/storage/queries/digest: the data of digests. */
import { append } from '../../../platform/group-by.ts';
import { hourMs } from '../../../platform/units.ts';
import { programs } from '../../store/run.ts';
import { forIds } from '../../sql/by-ids.ts';
import type { Database, Session, SqlRow } from '../../sql/database.ts';
import { sqlTime } from '../../sql/sql-time.ts';
import {
  type AlertSpan,
  alertSpan,
  type DigestStore,
  madeDigest,
  type PendingWork,
  type RunTime,
  type RunTotals,
  runTime,
  runTotals,
} from '../../store/digest-store.ts';
import { seenClient } from '../../store/fleet-store.ts';
import { inventoryChanges } from './inventory-changes.ts';
import { newestOf } from '../newest-rows.ts';

const spansSql = `SELECT ${alertSpan.columns} FROM alerts WHERE`;
// By the index on closed_out and resolved_at.
const endedSql = `${spansSql} closed_out IN (0, 1) AND resolved_at >= ? AND resolved_at < ?
  AND firing_since IS NOT NULL ORDER BY resolved_at DESC LIMIT ?`;
// Alerts that began in the span and no longer fire when a late digest is made.
const endedSinceSql = `${spansSql} closed_out IN (0, 1) AND resolved_at >= ? AND firing_since >= ?
  AND firing_since < ? ORDER BY resolved_at DESC LIMIT ?`;
const firingSql = `${spansSql} state = 'firing' AND firing_since < ? ORDER BY id DESC LIMIT ?`;

// A run without an end that began within the last hour may still be running.
const totalsSql = `SELECT program, COUNT(*) AS runs,
    SUM(CASE WHEN scope = 'full' AND outcome = 'finished' AND clients > 0 THEN 1 ELSE 0 END) AS full_runs,
    SUM(CASE WHEN outcome = 'overlapped' THEN 1 ELSE 0 END) AS overlapped,
    SUM(CASE WHEN outcome IN ('finished', 'overlapped') OR (outcome = 'running' AND started_at >= ?) THEN 0
      ELSE 1 END) AS unfinished,
    SUM(succeeded) AS succeeded, SUM(failed) AS failed, SUM(cpu_ms) AS cpu_ms, MAX(max_rss_bytes) AS max_rss_bytes,
    COUNT(DISTINCT config_digest) AS configs
  FROM runs WHERE program = ? AND started_at >= ? AND started_at < ? GROUP BY program`;

const madeSql = `SELECT ${madeDigest.columns} FROM mails WHERE digest_to > ? ORDER BY id`;

export function createDigestStore(database: Database): DigestStore {
  return {
    madeDigests: async (sinceMs) =>
      (await database.read((session) => session.all(madeSql, [sqlTime(sinceMs)]))).map(madeDigest.read),
    runTimes: (sinceMs, untilMs) => database.read((session) => runTimes(session, [sqlTime(sinceMs), sqlTime(untilMs)])),
    knownClients: async () =>
      (await database.read((session) => session.all(`SELECT ${seenClient.columns} FROM clients ORDER BY name`))).map(
        seenClient.read,
      ),
    alertSpans: (sinceMs, untilMs, limit) =>
      database.read((session) => alertSpans(session, [sqlTime(sinceMs), sqlTime(untilMs)], limit)),
    runTotals: (sinceMs, untilMs) => database.read((session) => totalsOf(session, sinceMs, untilMs)),
    inventoryChanges: (sinceMs, untilMs, limit) =>
      database.read((session) => inventoryChanges(session, [sqlTime(sinceMs), sqlTime(untilMs)], limit)),
    pendingWork: () => database.read(pendingWork),
    databaseBytes: async () => (await database.space())?.sizeBytes ?? null,
  };
}

async function alertSpans(
  session: Session,
  [since, until]: readonly [string, string],
  limit: number,
): Promise<readonly AlertSpan[]> {
  const firing = await session.all(firingSql, [until, String(limit)]);
  const ended = await session.all(endedSql, [since, until, String(limit - firing.length)]);
  const left = limit - firing.length - ended.length;
  const endedSince = await session.all(endedSinceSql, [until, since, until, String(left)]);
  return [...firing, ...ended, ...endedSince].map(alertSpan.read);
}

const timesSql = `SELECT ${runTime.columns} FROM runs WHERE program = ? AND started_at >= ? AND started_at < ?`;

async function runTimes(session: Session, span: readonly [string, string]): Promise<readonly RunTime[]> {
  const times: RunTime[] = [];
  for (const program of programs) append(times, (await session.all(timesSql, [program, ...span])).map(runTime.read));
  return times.sort((one, other) => one.startedAtMs - other.startedAtMs);
}

async function totalsOf(session: Session, sinceMs: number, untilMs: number): Promise<readonly RunTotals[]> {
  const [since, until, recent] = [sqlTime(sinceMs), sqlTime(untilMs), sqlTime(untilMs - hourMs)];
  const totals: RunTotals[] = [];
  for (const program of programs) {
    append(totals, (await session.all(totalsSql, [recent, program, since, until])).map(runTotals.read));
  }
  return totals;
}

/** The words of the check `updates`, see agent/inventory/updates.ts. */
const updatesForm = /^(\d{1,6}) updates? pending(?:, (\d{1,6}) for security)?/;

async function pendingWork(session: Session): Promise<readonly PendingWork[]> {
  const newest = await session.all(
    `SELECT c.name, ${newestOf(session.dialect, 'stats', 'c.name')} AS id FROM clients c`,
  );
  const names = new Map<number, string>();
  for (const { name, id } of newest) if (id !== null) names.set(Number(id), String(name));
  const ids = [...names.keys()];
  const reboots = await forIds('id', ids, (where, values) =>
    session.all(`SELECT id AS stat_id FROM stats WHERE ${where} AND reboot_required = 1`, values),
  );
  const updates = await forIds('stat_id', ids, (where, values) =>
    session.all(
      `SELECT stat_id, SUBSTR(text, 1, 100) AS text FROM check_stats WHERE ${where} AND check_name = 'updates'`,
      values,
    ),
  );
  const rebootIds = new Set(reboots.map(statId));
  const found = new Map(updates.map((row) => [statId(row), updatesForm.exec(String(row['text']))] as const));
  const due = [...names].filter(([id]) => rebootIds.has(id) || Number(found.get(id)?.[1] ?? 0) > 0);
  return due.map(([id, client]) => {
    const [, total, security] = found.get(id) ?? [];
    return {
      client,
      rebootRequired: rebootIds.has(id),
      updates: total === undefined ? null : Number(total),
      securityUpdates: security === undefined ? null : Number(security),
    };
  });
}

function statId(row: SqlRow): number {
  return Number(row['stat_id']);
}
