import { StorageFault } from './fault.ts';
import type { Session } from './database.ts';

/**
 * Formats milliseconds since 1970 for the time columns: UTC, `YYYY-MM-DD HH:MM:SS.sss`. Throws RangeError for times
 * that this form cannot hold.
 */
export function sqlTime(timeMs: number): string {
  const text = new Date(timeMs).toISOString();
  if (text.length !== 24) throw new RangeError(`time out of range: ${text}`);
  return text.slice(0, 23).replace('T', ' ');
}

/** Does what sqlTime does; returns null for null. */
export function sqlTimeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : sqlTime(timeMs);
}

/** Parses the value of a time column into milliseconds since 1970; `null` for NULL. */
export function fromSqlTime(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const timeMs = Date.parse(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Reads the database's clock, milliseconds since 1970. */
export async function databaseNowMs(session: Session): Promise<number> {
  const [row] = await session.all(`SELECT ${session.dialect.now} AS now`);
  const nowMs = fromSqlTime(row?.['now']);
  if (nowMs === null) throw new StorageFault('broken', 'the database does not say what time it is');
  return nowMs;
}
