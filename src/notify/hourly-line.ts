import { statSync, utimesSync, writeFileSync } from 'node:fs';

import { isLineDue } from './away-schedule.ts';

/**
 * Returns true if a line is due about something that began at `sinceMs`: none has been said of it, or the last an hour
 * ago. The time of the file is that of the last line, and is set where one is due. A file that cannot be written makes
 * every line due.
 */
export function claimHourlyLine(file: string, sinceMs: number, nowMs: number): boolean {
  const saidAtMs = timeOf(file);
  const isSaid = saidAtMs !== null && saidAtMs >= sinceMs;
  if (isSaid && !isLineDue({ saidAtMs }, nowMs)) return false;
  try {
    writeFileSync(file, '', { mode: 0o600 });
    utimesSync(file, nowMs / 1000, nowMs / 1000);
  } catch {
    // Said again by the next run.
  }
  return true;
}

/** The time of a file; null if there is none, or no folder for it. */
function timeOf(file: string): number | null {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
}
