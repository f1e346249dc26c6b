import { append, groupBy } from '../../platform/group-by.ts';
import { formatBeside } from '../../report/beside.ts';
import type { Database, Session } from '../sql/database.ts';
import { clipped } from '../rows/columns.ts';
import { forChunks, insertRows, replaceRows, type Values } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import type { VisitRecord } from '../store/storage.ts';

const clientColumns = [
  'name',
  'address',
  'first_seen',
  'last_visit_at',
  'consecutive_failures',
  'next_attempt_at',
  'reader',
  'boot_id',
  'sealed_to',
  'state_stamp',
  'state_at',
  'state_runs',
  'state_same_at',
] as const;
type ClientRow = Values<(typeof clientColumns)[number]>;

/** The most key ids that the column holds. */
const maxKeys = 15;

/** Implements ReportStore.saveVisits. */
export async function saveVisits(database: Database, visits: readonly VisitRecord[]): Promise<void> {
  if (visits.length === 0) return;
  await database.write(async (session) => {
    const fresh = await withoutKnown(session, visits);
    await insertRows(session, 'visits', fresh.map(visitRow));
    await updateClients(session, fresh);
  });
}

async function withoutKnown(session: Session, visits: readonly VisitRecord[]): Promise<readonly VisitRecord[]> {
  const fresh: VisitRecord[] = [];
  for (const [runId, ofRun] of groupBy(visits, (visit) => visit.runId)) {
    const byClient = new Map(ofRun.map((visit) => [visit.client, visit]));
    const known = await forChunks([...byClient.keys()], (chunk, marks) =>
      session.all(`SELECT client FROM visits WHERE run_id = ? AND client IN (${marks})`, [runId, ...chunk]),
    );
    for (const row of known) byClient.delete(String(row['client']));
    append(fresh, byClient.values());
  }
  return fresh;
}

function visitRow(visit: VisitRecord): Values {
  return {
    run_id: visit.runId,
    client: visit.client,
    started_at: sqlTime(visit.startedAtMs),
    duration_ms: Math.round(visit.durationMs),
    ok: visit.ok ? 1 : 0,
    stage: visit.stage,
    code: visit.code,
    message: visit.message === null ? null : clipped(visit.message, 1000),
    connect_ms: visit.connectMs === null ? null : Math.round(visit.connectMs),
    bytes_in: visit.bytesIn,
    bytes_out: visit.bytesOut,
    uploaded: visit.uploaded ? 1 : 0,
    reader: visit.reader,
    epoch: visit.epoch ?? null,
    beside: visit.beside === undefined ? null : formatBeside(visit.beside),
  };
}

// Reads, counts and writes the rows in one transaction, so that a visit that is saved again does not count twice.
async function updateClients(session: Session, visits: readonly VisitRecord[]): Promise<void> {
  const inTime = [...visits].sort((a, b) => a.startedAtMs - b.startedAtMs);
  // All writers lock clients in the order of their names, which prevents deadlocks.
  const names = [...new Set(visits.map(({ client }) => client))].sort();
  const rows = await forChunks(names, (chunk, marks) =>
    session.all(
      `SELECT ${clientColumns.join(', ')} FROM clients WHERE name IN (${marks})
       ORDER BY name${session.dialect.forUpdate}`,
      chunk,
    ),
  );
  const clients = new Map(rows.map((row) => [String(row['name']), row as ClientRow]));
  for (const visit of inTime) clients.set(visit.client, afterVisit(clients.get(visit.client), visit));
  const changed = names.flatMap((name) => clients.get(name) ?? []);
  await replaceRows(session, 'clients', ['name'], changed);
}

function afterVisit(before: ClientRow | undefined, visit: VisitRecord): ClientRow {
  const startedAt = sqlTime(visit.startedAtMs);
  const lastVisitAtMs = fromSqlTime(before?.last_visit_at);
  // A visit that comes out of the inbox after a later visit does not change the present state.
  if (before !== undefined && lastVisitAtMs !== null && lastVisitAtMs > visit.startedAtMs) return before;
  const failures = Number(before?.consecutive_failures ?? 0);
  const firstSeenMs = Math.min(fromSqlTime(before?.first_seen) ?? visit.startedAtMs, visit.startedAtMs);
  return {
    name: visit.client,
    address: clipped(visit.address, 255),
    first_seen: sqlTime(firstSeenMs),
    last_visit_at: startedAt,
    consecutive_failures: visit.ok ? 0 : failures + 1,
    next_attempt_at: sqlTimeOrNull(visit.nextAttemptAtMs),
    reader: visit.reader ?? before?.reader ?? null,
    boot_id: visit.bootId ?? before?.boot_id ?? null,
    state_stamp: visit.state?.stamp ?? before?.state_stamp ?? null,
    state_at: visit.state === undefined ? (before?.state_at ?? null) : startedAt,
    state_runs: visit.state?.runs ?? before?.state_runs ?? 0,
    state_same_at: visit.stateSame === true ? startedAt : (before?.state_same_at ?? null),
    // A good visit that left reports behind makes the keys unknown: these reports may be sealed to any key.
    sealed_to: visit.ok ? (visit.sealedTo?.slice(0, maxKeys).join(' ') ?? null) : (before?.sealed_to ?? null),
  };
}
