import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { FleetError } from '../platform/errors/errors.ts';
import { hourMs } from '../platform/units.ts';
import { makeFolder } from '../state-folder/durable-file.ts';
import { refuseFileOfOthers } from '../state-folder/state-folder.ts';

/** The tolerance for cron, which may start a program slightly earlier than an hour after the last start. */
const slackMs = 2_500;

/** Returns true if a line is due: the first, then one an hour. A time in the future comes from a wrong clock. */
export function isLineDue(
  { loggedAtMs }: { readonly loggedAtMs: number | null },
  nowMs: number,
  everyMs = hourMs,
): boolean {
  return loggedAtMs === null || loggedAtMs > nowMs || nowMs - loggedAtMs >= everyMs - slackMs;
}

/**
 * Returns true if a line is due about a condition that began at `sinceMs`: no line was written, or the last one an hour
 * ago. The file's modification time is the time of the last line; it is set if a line is due. If the file cannot be
 * written, every line is due.
 */
export function claimHourlyLine(file: string, sinceMs: number, nowMs: number): boolean {
  return claimLine(file, { sinceMs, nowMs, everyMs: hourMs });
}

interface LineClaim {
  readonly sinceMs: number;
  readonly nowMs: number;
  readonly everyMs: number;
}

/** Claims a line as `claimHourlyLine` does, with another time between two lines. */
export function claimLine(file: string, { sinceMs, nowMs, everyMs }: LineClaim): boolean {
  const loggedAtMs = timeOf(file);
  const isLogged = loggedAtMs !== null && loggedAtMs >= sinceMs;
  if (isLogged && !isLineDue({ loggedAtMs }, nowMs, everyMs)) return false;
  try {
    writeFileSync(file, '', { mode: 0o600 });
    utimesSync(file, nowMs / 1000, nowMs / 1000);
  } catch {
    // The next run writes the line again.
  }
  return true;
}

/**
 * Returns the lines about a run's faults: each code has one at first and then one an hour, until a run ends without it.
 * The folder has an empty file for each code. If the folder cannot be written, every line is due.
 */
export function openFaultLines(dir: string, now: () => number) {
  const seen = new Set<string>();
  return {
    /** Returns true if a line about the fault is due. */
    heed: ({ code }: Pick<FleetError, 'code'>): boolean => {
      seen.add(code);
      try {
        refuseFileOfOthers(dir);
        makeFolder(dir);
      } catch {
        return true;
      }
      return claimHourlyLine(path.join(dir, code), 0, now());
    },
    /** Forgets the codes without a fault in this run. */
    end: (): void => {
      try {
        for (const code of readdirSync(dir)) if (!seen.has(code)) rmSync(path.join(dir, code), { force: true });
      } catch {
        // There is no folder before the first fault.
      }
    },
  };
}

/** Returns the modification time of a file; null if the file or its folder is missing. */
function timeOf(file: string): number | null {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
}
