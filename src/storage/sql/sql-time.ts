import { StorageFault } from './fault.ts';
import type { Session } from './database.ts';

/**
 * Milliseconds since 1970 as the time columns have them: UTC, `YYYY-MM-DD HH:MM:SS.sss`. Throws RangeError for times
 * that this form cannot say.
 */
export function sqlTime(timeMs: number): string {
  const text = new Date(timeMs).toISOString();
  if (text.length !== 24) throw new RangeError(`time out of range: ${text}`);
  return text.slice(0, 23).replace('T', ' ');
}

/** sqlTime, with null for null. */
export function sqlTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : sqlTime(timeMs);
}

/** Returns the value of a time column as milliseconds since 1970; `null` for NULL. */
export function fromSqlTime(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const timeMs = Date.parse(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Returns the database's clock, milliseconds since 1970. */
export async function databaseNowMs(session: Session): Promise<number> {
  const [row] = await session.all(`SELECT ${session.dialect.now} AS now`);
  const nowMs = fromSqlTime(row?.['now']);
  if (nowMs === null) throw new StorageFault('broken', 'the database does not say what time it is');
  return nowMs;
}
