import type { Database, Session, SqlRow } from '../sql/database.ts';
import { placeholders } from '../sql/insert-rows.ts';
import { pruneNowMs } from '../sql/prune-guard.ts';
import type { PresentIds, StoredIds, StoredStore } from '../store/storage.ts';

const anyRunSql = "SELECT id FROM runs WHERE program = 'collect' LIMIT 1";

export function createStoredStore(database: Database): StoredStore {
  return {
    present: (ids) => database.read((session) => presentIds(session, ids)),
    pruneNowMs: (nowMs) => pruneNowMs(database, nowMs),
    server: async () => {
      const where = (await database.describe?.()) ?? 'the database';
      const known = await database.read((session) => session.all(anyRunSql));
      return known.length > 0 ? where : `${where}; it held no run, perhaps because it is new`;
    },
  };
}

/** The numbers of ids of one statement. Two sizes, so that each statement is prepared once. */
const idsAtOnce = [1000, 50] as const;

/**
 * The tables that a report may be in: opened, or sealed. A collector that opens nothing may read these columns. What is
 * in none is sought again among the opened ones: another machine may have opened it meanwhile.
 */
const reportTables = ['stats', 'inventory_reports', 'sealed_reports', 'stats', 'inventory_reports'] as const;

async function presentIds(session: Session, ids: StoredIds): Promise<PresentIds> {
  const reports = new Set<string>();
  const sought = new Set(ids.reports);
  for (const table of reportTables) {
    const sql = `SELECT report_id AS id FROM ${table} WHERE report_id IN`;
    for (const { id } of await rowsOf(session, sql, sought)) {
      reports.add(String(id));
      sought.delete(String(id));
    }
  }
  const runs = await rowsOf(session, 'SELECT id, outcome FROM runs WHERE id IN', ids.runs);
  const visits = new Map<string, Set<string>>();
  for (const row of await rowsOf(session, 'SELECT run_id, client FROM visits WHERE run_id IN', ids.runsOfVisits)) {
    const run = String(row['run_id']);
    visits.set(run, (visits.get(run) ?? new Set()).add(String(row['client'])));
  }
  const events = await rowsOf(session, 'SELECT event_id FROM events WHERE event_id IN', ids.events);
  return {
    reports,
    runs: new Map(runs.map((row) => [String(row['id']), row['outcome'] !== 'running'])),
    visits,
    events: new Set(events.map((row) => String(row['event_id']))),
  };
}

async function rowsOf(session: Session, sql: string, ids: Iterable<string>): Promise<readonly SqlRow[]> {
  const list = [...ids];
  const found: (readonly SqlRow[])[] = [];
  for (let start = 0; start < list.length;) {
    const size = idsAtOnce.find((one) => one <= list.length - start) ?? idsAtOnce[1];
    const some = list.slice(start, start + size);
    // The last id fills the statement.
    const values = [...some, ...Array<string>(size - some.length).fill(some.at(-1) ?? '')];
    found.push(await session.all(`${sql} (${placeholders(size)})`, values));
    start += size;
  }
  return found.flat();
}
