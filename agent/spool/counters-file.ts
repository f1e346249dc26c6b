import type { Counters } from '../probes/collected.ts';
import { isWritten, readPrivateFile, removeFile } from '../start/private-file.ts';

const fileName = 'counters.json';
const maxBytes = 256 * 1024;

/** Returns the newest counters in these folders; null if none can be read. */
export function readCounters(dirs: readonly string[]): Counters | null {
  let newest: Counters | null = null;
  for (const dir of dirs) {
    const counters = parse(readPrivateFile(`${dir}/${fileName}`, maxBytes));
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

function parse(content: Buffer | null): Counters | null {
  if (content === null) return null;
  try {
    const { bootId, monotonicMs, values, visitedMs, dropped, before } = JSON.parse(
      content.toString(),
    ) as Partial<Counters>;
    const valid = typeof bootId === 'string' && Number.isFinite(monotonicMs) && typeof values === 'object';
    if (!valid || (values as unknown) === null) return null;
    return {
      ...({ bootId, monotonicMs, values } as Counters),
      before: typeof before?.values === 'object' ? before : null,
      visitedMs: Number.isFinite(visitedMs) ? Number(visitedMs) : null,
      dropped: Number.isSafeInteger(dropped) ? Math.max(0, Number(dropped)) : 0,
    };
  } catch {
    return null;
  }
}
