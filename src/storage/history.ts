import type { Database } from './sql/database.ts';
import { runColumns, runFact } from './rows/run-rows.ts';
import { clientStatuses, statusOfClient } from './queries/client-status.ts';
import { readOnlyQuery } from './sql/read-only-query.ts';
import type { History } from './store/storage.ts';

const lastRunSql = `SELECT ${runColumns} FROM runs
  WHERE program = ? AND outcome <> 'overlapped' ORDER BY started_at DESC, id DESC LIMIT 1`;

export function createHistory(database: Database): History {
  return {
    clients: (beforeMs) => database.read((session) => clientStatuses(session, beforeMs ?? null)),
    client: (name) => database.read((session) => statusOfClient(session, name)),
    lastRun: async (program) => {
      const [row] = await database.read((session) => session.all(lastRunSql, [program]));
      return row === undefined ? null : runFact(row);
    },
    query: (sql) => readOnlyQuery(database, sql),
  };
}
