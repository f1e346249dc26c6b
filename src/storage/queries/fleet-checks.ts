import type { CheckStat } from '../../report/checks/checks.ts';
import { numberOrNull } from '../store/record-shape.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Session } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { ClientCheckRows } from '../store/look-store.ts';
import { newestBefore, newestOf } from './newest-rows.ts';

const badColumns =
  'stat_id, check_name, state, SUBSTR(text, 1, 300) AS text, SUBSTR(perfdata, 1, 1000) AS perfdata, age_s, refused';

/** Implements RecordStore.checksOfClients. */
export async function checksOfClients(
  session: Session,
  clients: readonly string[],
  beforeMs: number | null,
): Promise<ReadonlyMap<string, ClientCheckRows>> {
  const newest = beforeMs === null ? newestOf(session.dialect, 'stats', 'c.name') : newestBefore('stats', 'c.name');
  const time = beforeMs === null ? [] : [sqlTime(beforeMs)];
  const reports = await forChunks(clients, (chunk, marks) =>
    session.all(`SELECT c.name, ${newest} AS id FROM clients c WHERE c.name IN (${marks})`, [...time, ...chunk]),
  );
  const names = new Map<number, string>();
  for (const { name, id } of reports) {
    const statId = numberOrNull(id ?? null);
    if (statId !== null) names.set(statId, String(name));
  }
  const found = new Map<string, { bad: CheckStat[]; ok: number }>();
  const of = (statId: unknown): { bad: CheckStat[]; ok: number } => {
    const name = names.get(Number(statId)) ?? '';
    const own = found.get(name) ?? { bad: [], ok: 0 };
    found.set(name, own);
    return own;
  };
  const ids = [...names.keys()];
  const good = await forIds('stat_id', ids, (where, values) =>
    session.all(
      `SELECT stat_id, COUNT(*) AS checks FROM check_stats WHERE ${where} AND state = 0 GROUP BY stat_id`,
      values,
    ),
  );
  for (const { stat_id: statId, checks } of good) of(statId).ok = Number(checks);
  const bad = await forIds('stat_id', ids, (where, values) =>
    session.all(
      `SELECT ${badColumns} FROM check_stats WHERE ${where} AND state <> 0 ORDER BY stat_id, ordinal`,
      values,
    ),
  );
  for (const row of bad) of(row['stat_id']).bad.push(row as unknown as CheckStat);
  return found;
}
