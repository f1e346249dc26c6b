import type { Database } from './sql/database.ts';
import { runColumns, runFact } from './rows/run-rows.ts';
import { clientStatus, clientsSql, pastClientsSql, pastStatus } from './queries/client-status.ts';
import { readOnlyQuery } from './sql/read-only-query.ts';
import { sqlTime } from './sql/sql-time.ts';
import type { History } from './store/storage.ts';

const lastRunSql = `SELECT ${runColumns} FROM runs
  WHERE program = ? AND outcome <> 'overlapped' ORDER BY started_at DESC, id DESC LIMIT 1`;

export function createHistory(database: Database): History {
  return {
    clients: (beforeMs) =>
      database.read(async (session) => {
        if (beforeMs === undefined) return (await session.all(clientsSql(session.dialect))).map(clientStatus);
        const before = sqlTime(beforeMs);
        return (await session.all(pastClientsSql(), [before, before])).map(pastStatus);
      }),
    client: async (name) => {
      const [row] = await database.read((session) => session.all(clientsSql(session.dialect, 'c.name = ?'), [name]));
      return row === undefined ? null : clientStatus(row);
    },
    lastRun: async (program) => {
      const [row] = await database.read((session) => session.all(lastRunSql, [program]));
      return row === undefined ? null : runFact(row);
    },
    query: (sql) => readOnlyQuery(database, sql),
  };
}
