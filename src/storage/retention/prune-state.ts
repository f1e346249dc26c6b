import type { Database, Session, SqlValue } from '../sql/database.ts';
import { forIds } from '../sql/by-ids.ts';
import { forChunks } from '../sql/insert-rows.ts';
import type { Subject } from './prune-subjects.ts';

/** Changes of the state of clients, by the look that found them. */
export const stateChanges: Subject = {
  select: `SELECT x.id AS id, x.latest_at AS at FROM state_changes x
    WHERE x.latest_at < ? AND x.latest_at >= ? AND (x.latest_at > ? OR x.id > ?) ORDER BY x.latest_at, x.id LIMIT ?`,
  firstId: 0,
  deletes: [['state_changes', 'id']],
};

// By the index on item_id.
const unusedValue = `NOT EXISTS (SELECT 1 FROM state s WHERE s.value_id = state_values.id)
  AND NOT EXISTS (SELECT 1 FROM state_changes x WHERE x.item_id = state_values.item_id
                  AND (x.before_id = state_values.id OR x.after_id = state_values.id))`;
const unusedItem = `NOT EXISTS (SELECT 1 FROM state_values v WHERE v.item_id = state_items.id)
  AND NOT EXISTS (SELECT 1 FROM state_changes x WHERE x.item_id = state_items.id)`;

/** Values and items, the first before the second, each with the condition of those that nothing names any more. */
export const unusedNames = [
  { table: 'state_values', condition: unusedValue },
  { table: 'state_items', condition: unusedItem },
] as const;
type Names = (typeof unusedNames)[number];

/** Returns the query of unused names beyond an id; values: the id and the number of names to look at. */
export function unusedSql({ table, condition }: Names): string {
  return `SELECT id, CASE WHEN ${condition} THEN 1 ELSE 0 END AS unused FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`;
}

/**
 * Removes names that nothing uses. Each call of the returned function looks at up to `limit` names and returns the
 * number of removed ones; null if all were looked at. The removing statement checks the condition again.
 */
export function unusedRemover(database: Database, names: Names): (limit: number) => Promise<number | null> {
  let after: SqlValue = 0;
  return async (limit) => {
    const rows = await database.read((session) => session.all(unusedSql(names), [after, String(limit)]));
    const last = rows.at(-1);
    if (last === undefined) return null;
    after = last['id'] ?? null;
    const ids = rows.filter((row) => Number(row['unused']) === 1).map((row) => row['id'] ?? null);
    if (ids.length === 0) return 0;
    const { table, condition } = names;
    const counts = await database.write((session) =>
      forChunks(ids, async (chunk, marks) => [
        await session.run(`DELETE FROM ${table} WHERE ${condition} AND id IN (${marks})`, chunk),
      ]),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
}

const tables = ['state', 'state_changes', 'state_sections'] as const;
const idSql = 'SELECT id FROM state_clients WHERE client = ?';

/** Deletes up to `limit` rows of the state of a client, and its id last. Returns false if there are none. */
export async function forgetState(session: Session, client: string, limit: number): Promise<boolean> {
  const [row] = await session.all(idSql, [client]);
  if (row === undefined) return false;
  const id = row['id'] ?? null;
  const changes = await session.all('SELECT id FROM state_changes WHERE client_id = ? ORDER BY id LIMIT ?', [
    id,
    String(limit),
  ]);
  await forIds(
    'id',
    changes.map((change) => Number(change['id'])),
    async (where, values) => [await session.run(`DELETE FROM state_changes WHERE ${where}`, values)],
  );
  if (changes.length === limit) return true;
  for (const table of tables) await session.run(`DELETE FROM ${table} WHERE client_id = ?`, [id]);
  await session.run('DELETE FROM state_clients WHERE id = ?', [id]);
  return true;
}

/** Moves the state of a client to its new name. If both have one, the new name's stays, with both changes. */
export async function renameState(session: Session, from: string, to: string): Promise<void> {
  const [old] = await session.all(idSql, [from]);
  const [own] = await session.all(idSql, [to]);
  if (old === undefined) return;
  const id = old['id'] ?? null;
  if (own === undefined) {
    await session.run('UPDATE state_clients SET client = ? WHERE id = ?', [to, id]);
    return;
  }
  await session.run('UPDATE state_changes SET client_id = ? WHERE client_id = ?', [own['id'] ?? null, id]);
  for (const table of ['state', 'state_sections']) await session.run(`DELETE FROM ${table} WHERE client_id = ?`, [id]);
  await session.run('DELETE FROM state_clients WHERE id = ?', [id]);
}
