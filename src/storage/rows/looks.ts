import { jsonValue } from '../../platform/parse-json.ts';
import { hourMs } from '../../platform/units.ts';
import { type Beside, parseBeside } from '../../report/beside.ts';
import type { Session } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { AskedLook, StoredLook } from '../store/notification-store.ts';
import { textOrNull } from '../store/record-shape.ts';
import { alertKey } from './alert-rows.ts';

/** The most earlier alerts whose looks are read. */
const maxEarlier = 20;
const earlierSql = `SELECT pending_since, firing_since FROM alerts WHERE alert_key = ? AND pending_since < ?
  AND firing_since IS NOT NULL ORDER BY id DESC LIMIT ${maxEarlier}`;
/** The look may be of a visit after the one with which the alert began to fire, if visits come at odd times. */
const lateMs = hourMs;
/** Each span names the client: then both databases read all spans by an index. */
const spanSql = '(client = ? AND started_at >= ? AND started_at <= ?)';

/** Implements NotificationStore.looksOf. */
export async function looksOf(session: Session, asked: readonly AskedLook[]): Promise<ReadonlyMap<string, StoredLook>> {
  const looks = new Map<string, StoredLook>();
  const fromMs = new Map(asked.map((span) => [span.client, span.fromMs]));
  // The newest of several looks in a span counts.
  const newest = new Map((await looksIn(session, asked)).map((look) => [look.client, look]));
  for (const { client, beside, ...visit } of newest.values()) {
    const before = fromMs.get(client) ?? visit.atMs;
    const reachedBefore = 'seen' in beside ? await reachedBy(session, beside, client, before) : [];
    looks.set(client, { beside, ...visit, reachedBefore });
  }
  return looks;
}

/**
 * Returns those without an answer, or refused, that have reached the client in the look of an earlier alert. Asks only
 * if there are any. The alerts say where the looks are: nearly all visits have none, and no index tells them apart.
 */
async function reachedBy(
  session: Session,
  { seen }: Extract<Beside, { readonly seen: unknown }>,
  client: string,
  beforeMs: number,
): Promise<readonly string[]> {
  const silent = seen.flatMap(([name, outcome]) => (outcome === 'no answer' || outcome === 'refused' ? name : []));
  if (silent.length === 0) return [];
  const alerts = await session.all(earlierSql, [alertKey(client, 'unreachable', ''), sqlTime(beforeMs)]);
  const spans = alerts.flatMap((alert): readonly AskedLook[] => {
    const [fromMs, firingMs] = [fromSqlTime(alert['pending_since']), fromSqlTime(alert['firing_since'])];
    if (fromMs === null || firingMs === null) return [];
    return [{ client, fromMs, untilMs: Math.min(firingMs + lateMs, beforeMs - 1) }];
  });
  const earlier = (await looksIn(session, spans)).flatMap(({ beside }) => ('seen' in beside ? beside.seen : []));
  return silent.filter((name) => earlier.some(([other, outcome]) => other === name && outcome === 'reached'));
}

interface Look extends Omit<StoredLook, 'reachedBefore'> {
  readonly client: string;
}

/** Returns the looks in these spans, oldest first. */
async function looksIn(session: Session, spans: readonly AskedLook[]): Promise<readonly Look[]> {
  if (spans.length === 0) return [];
  const sql = `SELECT client, beside, code, started_at FROM visits
    WHERE beside IS NOT NULL AND (${spans.map(() => spanSql).join(' OR ')}) ORDER BY started_at, id`;
  const values = spans.flatMap(({ client, fromMs, untilMs }) => [client, sqlTime(fromMs), sqlTime(untilMs)]);
  return (await session.all(sql, values)).flatMap((row): readonly Look[] => {
    const [beside, atMs] = [parseBeside(jsonValue(String(row['beside']))), fromSqlTime(row['started_at'])];
    if (beside === null || atMs === null) return [];
    return [{ client: String(row['client']), beside, atMs, code: textOrNull(row['code']) }];
  });
}
