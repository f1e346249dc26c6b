import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Database, Session } from '../sql/database.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { Grid, Watch } from '../store/look-store.ts';

/** The least share of the clients for which reading the rows of all clients is faster: rows are stored by time. */
const minShare = 1 / 3;

/** True if rows are read by time, for all clients at once; false if they are read client by client. */
export async function isReadByTime(database: Database, clients: readonly string[]): Promise<boolean> {
  if (clients.length < 2) return false;
  const [counted] = await database.read((session) => session.all('SELECT COUNT(*) AS clients FROM clients'));
  return clients.length >= Number(counted?.['clients']) * minShare;
}

/** Returns the beginning and the end of the part of a step to read. */
export function stepSpan({ sinceMs, stepMs, sampleMs, untilMs }: Grid, step: number): readonly [string, string] {
  const fromMs = sinceMs + step * stepMs;
  return [sqlTime(fromMs), sqlTime(Math.min(untilMs, fromMs + (sampleMs ?? stepMs)))];
}

/** Returns the beginning and the end of the part of a step that a sample leaves out; null if there is none. */
export function restSpan({ sinceMs, stepMs, sampleMs, untilMs }: Grid, step: number): readonly [string, string] | null {
  const endMs = Math.min(untilMs, sinceMs + (step + 1) * stepMs);
  const fromMs = sinceMs + step * stepMs + (sampleMs ?? stepMs);
  return fromMs < endMs ? [sqlTime(fromMs), sqlTime(endMs)] : null;
}

/** Returns SQL for the step of a row by its time. */
export function stepOf(session: Session, grid: Grid): string {
  return session.dialect.quotient(sinceStart(session, grid), grid.stepMs / 1000);
}

/** Returns SQL that is true for a row in the part of its step to read. */
export function inSample(session: Session, grid: Grid): string {
  const { stepMs, sampleMs } = grid;
  return sampleMs === null ? '1 = 1' : `${sinceStart(session, grid)} % ${stepMs / 1000} < ${sampleMs / 1000}`;
}

/** Returns SQL for the seconds from the start of the grid to a row. */
function sinceStart({ dialect }: Session, { sinceMs }: Grid): string {
  return `(${dialect.unixSeconds('observed_at')} - ${sinceMs / 1000})`;
}

/** The time after which signals and timers get a turn of the event loop: SQLite answers without one. */
const turnMs = 50;

/**
 * Returns a function that reports progress, yields a turn of the event loop now and then, and throws the signal's
 * reason.
 */
export function inSteps({ signal, onProgress }: Watch, steps: number): () => Promise<void> {
  let done = 0;
  let turnedAt = performance.now();
  return async () => {
    done += 1;
    onProgress(done / steps);
    if (performance.now() - turnedAt > turnMs) {
      await nextTurn();
      turnedAt = performance.now();
    }
    signal.throwIfAborted();
  };
}
