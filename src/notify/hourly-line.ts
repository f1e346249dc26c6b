import { statSync, utimesSync, writeFileSync } from 'node:fs';

import { hourMs } from '../platform/units.ts';

/** Cron starts a program a moment earlier or later than an hour after the time before. */
const slackMs = 2_500;

/**
 * Returns true if a line is due: the first, then one an hour. A time in the future comes from a clock that was wrong.
 */
export function isLineDue({ loggedAtMs }: { readonly loggedAtMs: number | null }, nowMs: number): boolean {
  return loggedAtMs === null || loggedAtMs > nowMs || nowMs - loggedAtMs >= hourMs - slackMs;
}

/**
 * Returns true if a line is due about something that began at `sinceMs`: none was written, or the last an hour
 * ago. The time of the file is that of the last line, and is set where one is due. A file that cannot be written makes
 * every line due.
 */
export function claimHourlyLine(file: string, sinceMs: number, nowMs: number): boolean {
  const loggedAtMs = timeOf(file);
  const isLogged = loggedAtMs !== null && loggedAtMs >= sinceMs;
  if (isLogged && !isLineDue({ loggedAtMs }, nowMs)) return false;
  try {
    writeFileSync(file, '', { mode: 0o600 });
    utimesSync(file, nowMs / 1000, nowMs / 1000);
  } catch {
    // The next run writes the line again.
  }
  return true;
}

/** Returns the time of a file, or null if there is none, or no folder for it. */
function timeOf(file: string): number | null {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
}
