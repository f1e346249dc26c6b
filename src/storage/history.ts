import type { Database } from './sql/database.ts';
import { byOthers } from './rows/run-rows.ts';
import { clientStatuses, statusOfClient } from './queries/client-status.ts';
import { readOnlyQuery } from './sql/read-only-query.ts';
import type { History } from './store/storage.ts';
import { sqlTime } from './sql/sql-time.ts';
import { storedRun } from './store/run.ts';

const lastRunSql = (except: ReadonlySet<string>, ended: string): string => `SELECT ${storedRun.columns} FROM runs
  WHERE program = ? AND outcome <> 'overlapped'${ended}${byOthers(except)} ORDER BY started_at DESC, id DESC LIMIT 1`;

export function createHistory(database: Database): History {
  return {
    clients: (beforeMs) => database.read((session) => clientStatuses(session, beforeMs ?? null)),
    client: (name) => database.read((session) => statusOfClient(session, name)),
    lastRun: async (program, except = new Set(), endedByMs) => {
      const sql = lastRunSql(except, endedByMs === undefined ? '' : ' AND finished_at IS NOT NULL AND started_at <= ?');
      const values = [program, ...(endedByMs === undefined ? [] : [sqlTime(endedByMs)]), ...except];
      const [row] = await database.read((session) => session.all(sql, values));
      return row === undefined ? null : storedRun.read(row);
    },
    query: (sql) => readOnlyQuery(database, sql),
  };
}
