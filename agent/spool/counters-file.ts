/** agent/spool: reports by a client's own crontab. */
import type { Counters } from '../probes/collected.ts';
import { isWritten, readKept, removeFile } from '../start/private-file.ts';

const fileName = 'counters.json';
const maxBytes = 256 * 1024;

/** Returns the newest counters in these folders; null if none can be read. Adds a damaged file to `faults`. */
export function readCounters(dirs: readonly string[], faults?: string[]): Counters | null {
  let newest: Counters | null = null;
  for (const dir of dirs) {
    const counters = readKept(dir, fileName, { maxBytes, faults }, countersIn);
    if (counters && (newest === null || counters.monotonicMs > newest.monotonicMs)) newest = counters;
  }
  return newest;
}

/** Writes the counters to the first writable folder, and removes those in the other folders. */
export function writeCounters(dirs: readonly string[], counters: Counters): void {
  const content = Buffer.from(JSON.stringify(counters));
  // The write is not durable: after a loss of power their boot is over. If no disk is writable, the old counters stay
  // valid.
  const kept = dirs.find((dir) => isWritten(dir, fileName, content, false));
  if (kept === undefined) return;
  for (const dir of dirs) if (dir !== kept) removeFile(`${dir}/${fileName}`);
}

/** Returns the counters in a value; null if it is anything else. */
export function countersIn(value: unknown): Counters | null {
  const { bootId, monotonicMs, values, visitedMs, dropped, before } = value as Partial<Counters>;
  const isSound = typeof bootId === 'string' && Number.isFinite(monotonicMs) && isThen(values);
  if (!isSound) return null;
  return {
    ...({ bootId, monotonicMs, values } as Counters),
    before: isThen(before?.values) && Number.isFinite(before?.monotonicMs) ? (before ?? null) : null,
    visitedMs: Number.isFinite(visitedMs) ? Number(visitedMs) : null,
    dropped: Number.isSafeInteger(dropped) ? Math.max(0, Number(dropped)) : 0,
  };
}

function isThen(values: unknown): boolean {
  return typeof values === 'object' && values !== null;
}
