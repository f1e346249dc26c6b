import type { Database, Session } from '../sql/database.ts';
import type { CopiedTable } from './copied-tables.ts';

/**
 * Raises the target's counters to the source's, so that the id of a removed row is never given to another row: pagers
 * identify an alert by its id.
 */
export async function carryCounters(source: Database, target: Database, tables: readonly CopiedTable[]): Promise<void> {
  for (const { name } of tables.filter(({ hasCounter }) => hasCounter)) {
    const wanted = await source.read((session) => nextId(session, name));
    if ((await target.read((session) => nextId(session, name))) >= wanted) continue;
    await target.migrate((session) => setNextId(session, name, wanted));
  }
}

const isSqlite = ({ dialect }: Session): boolean => dialect.name === 'sqlite';

async function nextId(session: Session, table: string): Promise<number> {
  if (isSqlite(session)) {
    const [row] = await session.all('SELECT seq FROM sqlite_sequence WHERE name = ?', [table]);
    return Number(row?.['seq'] ?? 0) + 1;
  }
  const [shown] = await session.all(`SHOW CREATE TABLE ${table}`);
  return Number(/ AUTO_INCREMENT=(\d+)/.exec(String(shown?.['Create Table']))?.[1] ?? 1);
}

async function setNextId(session: Session, table: string, next: number): Promise<void> {
  if (!isSqlite(session)) {
    await session.run(`ALTER TABLE ${table} AUTO_INCREMENT = ${next}`);
    return;
  }
  await session.run('DELETE FROM sqlite_sequence WHERE name = ?', [table]);
  await session.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', [table, next - 1]);
}
