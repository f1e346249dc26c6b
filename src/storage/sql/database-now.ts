import type { Dialect } from './dialect.ts';
import { StorageFault } from './fault.ts';
import { fromSqlTime } from './sql-time.ts';
import type { Session } from './session.ts';

/** The database's clock, milliseconds since 1970. */
export async function databaseNowMs(session: Session, dialect: Dialect): Promise<number> {
  const [row] = await session.all(`SELECT ${dialect.now} AS now`);
  const nowMs = fromSqlTime(row?.['now']);
  if (nowMs === null) throw new StorageFault('broken', 'the database does not say what time it is');
  return nowMs;
}
