import { jsonValue } from '../../platform/parse-json.ts';
import { type Beside, parseBeside } from '../../report/beside.ts';
import type { Session, SqlRow } from '../sql/database.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { AskedLook, StoredLook } from '../store/notification-store.ts';
import { textOrNull } from '../store/record-shape.ts';

const lookSql = `SELECT beside, code FROM visits WHERE client = ? AND started_at >= ? AND started_at <= ?
  AND beside IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT 1`;
const earlierSql = `SELECT beside FROM visits WHERE client = ? AND started_at < ? AND beside IS NOT NULL
  ORDER BY started_at DESC, id DESC LIMIT 20`;

/** Implements NotificationStore.looksOf. */
export async function looksOf(session: Session, asked: readonly AskedLook[]): Promise<ReadonlyMap<string, StoredLook>> {
  const looks = new Map<string, StoredLook>();
  for (const { client, fromMs, untilMs } of asked) {
    const [row] = await session.all(lookSql, [client, sqlTime(fromMs), sqlTime(untilMs)]);
    const beside = besideOf(row);
    if (beside === null) continue;
    const reachedBefore = 'seen' in beside ? await reachedBy(session, beside, [client, sqlTime(fromMs)]) : [];
    looks.set(client, { beside, code: textOrNull(row?.['code']), reachedBefore });
  }
  return looks;
}

/** Returns those without an answer that have reached the client in an earlier look. Asks only if there are any. */
async function reachedBy(
  session: Session,
  { seen }: Extract<Beside, { readonly seen: unknown }>,
  before: readonly [client: string, before: string],
): Promise<readonly string[]> {
  const silent = seen.flatMap(([name, outcome]) => (outcome === 'no answer' ? name : []));
  if (silent.length === 0) return [];
  const earlier = (await session.all(earlierSql, before)).map(besideOf);
  const reached = earlier.flatMap((beside) => (beside !== null && 'seen' in beside ? beside.seen : []));
  return silent.filter((name) => reached.some(([other, outcome]) => other === name && outcome === 'reached'));
}

function besideOf(row: SqlRow | undefined): Beside | null {
  const text = row?.['beside'];
  return typeof text === 'string' ? parseBeside(jsonValue(text)) : null;
}
