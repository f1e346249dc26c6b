/** src/storage/copy: a whole database into another one. */
import type { Database } from '../sql/database.ts';
import type { Table } from '../sql/tables.ts';

/**
 * Raises the target's counters to the source's, so that the id of a removed row is never given to another row: pagers
 * identify an alert by its id.
 */
export async function carryCounters(source: Database, target: Database, tables: readonly Table[]): Promise<void> {
  for (const { name } of tables.filter(({ hasCounter = false }) => hasCounter)) {
    const wanted = await source.read((session) => session.dialect.counter(session, name));
    if ((await target.read((session) => session.dialect.counter(session, name))) >= wanted) continue;
    await target.migrate((session) => session.dialect.setCounter(session, name, wanted));
  }
}
