import type { BuiltInCheck } from './collected.ts';
import type { VisitProbe } from './probe.ts';
import type { Notes } from './source.ts';

export const updatesFile = 'updates.json';
const maxAgeMs = 7 * 86_400_000;

/** The pending updates of the daily inventory. */
export interface KeptUpdates extends Pick<BuiltInCheck, 'state' | 'text' | 'perfdata'> {
  /** The time of the inventory. */
  readonly atMs: number;
  /** The time since when each security update has been pending. */
  readonly seen: Readonly<Record<string, number>>;
}

/** Repeats the pending updates of the last inventory, for a week at most. */
export const updates: VisitProbe = {
  name: 'updates',
  deadlineMs: 1000,
  reads: {},
  check: 'updates',
  run: ({ source: { notes, reader } }) => {
    const kept = readUpdates(notes);
    const ageMs = kept === null ? NaN : reader.nowMs() - kept.atMs;
    if (kept === null || !(ageMs >= 0 && ageMs < maxAgeMs)) return { functions: [] };
    const { state, text, perfdata } = kept;
    return {
      functions: [],
      checks: [{ name: 'updates', state, text, perfdata, ageSeconds: Math.round(ageMs / 1000) }],
    };
  },
};

/** Returns the answer that the last inventory has kept; null if there is no valid one. */
export function readUpdates(notes: Notes | null): KeptUpdates | null {
  const text = notes?.read(updatesFile) ?? null;
  if (text === null) return null;
  try {
    const kept = JSON.parse(text) as KeptUpdates;
    const { atMs, state, text: words, perfdata, seen } = kept;
    const numbers = [atMs, ...Object.values(seen)];
    const isWhole = typeof words === 'string' && typeof perfdata === 'string' && [0, 1, 3].includes(state);
    if (isWhole && numbers.every(Number.isFinite)) return kept;
  } catch {
    // The file is named below.
  }
  notes?.faults.push(updatesFile);
  return null;
}
