import { levelDays } from '../store/level-store.ts';
import { dayMs } from '../../platform/units.ts';
import type { Database } from '../sql/database.ts';
import { spanStart } from './rollup.ts';

/** Selects the oldest day of levels to remove. Value: the first day to keep. */
export const oldestLevelsSql = 'SELECT day FROM disk_levels WHERE day < ? ORDER BY day LIMIT 1';
const lastClientSql = 'SELECT client FROM disk_levels WHERE day = ? ORDER BY day, client, mount LIMIT 1 OFFSET ?';

/**
 * Removes levels of mounts that no forecast reads any more, oldest day first. Each call of the returned function
 * removes about `limit` rows and returns their number; null if there is nothing left.
 */
export function levelRemover(database: Database, nowMs: number): (limit: number) => Promise<number | null> {
  const before = spanStart('day', nowMs - levelDays * dayMs);
  return async (limit) => {
    const [oldest] = await database.read((session) => session.all(oldestLevelsSql, [before]));
    if (oldest === undefined) return null;
    const day = String(oldest['day']);
    return database.write(async (session) => {
      const [last] = await session.all(lastClientSql, [day, String(limit)]);
      const until = last === undefined ? '' : ' AND client <= ?';
      return session.run(`DELETE FROM disk_levels WHERE day = ?${until}`, [
        day,
        ...(last === undefined ? [] : [String(last['client'])]),
      ]);
    });
  };
}
