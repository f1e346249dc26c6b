import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { dayMs } from '../../platform/units.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';

/** The names that earlier runs looked up. */
export interface NameMemory {
  /** Returns the addresses that a name had within the last day; null if none are known. */
  lastOf(name: string): readonly string[] | null;
  /** Returns the outcome of the last lookup; null if none is known. */
  outcomeOf(name: string): 'resolved' | 'failed' | null;
  /** Notes the addresses of a name. */
  noteAddresses(name: string, addresses: readonly string[]): void;
  /** Notes that a name did not resolve. `isGone` if a name server said that there is no such name. */
  noteFailure(name: string, isGone: boolean): void;
  /** Writes the file, mode 0600, if something was noted. A file that cannot be written is left as it is. */
  save(): void;
}

export interface NameMemoryOptions {
  readonly file: string;
  readonly nowMs: number;
}

interface Entry {
  readonly addresses: readonly string[];
  /** The time at which the name had the addresses. */
  readonly atMs: number;
  readonly failed: boolean;
}

const maxAddresses = 8;
/** The time after which addresses and failures are forgotten. */
const forgottenMs = dayMs;

/** Reads the file. A damaged file counts as empty: the memory only saves time. */
export function loadNameMemory({ file, nowMs }: NameMemoryOptions): NameMemory {
  const known = readEntries(file, nowMs);
  let isChanged = false;
  const note = (name: string, entry: Entry): void => {
    known.set(name, entry);
    isChanged = true;
  };
  return {
    lastOf: (name) => {
      const addresses = known.get(name)?.addresses ?? [];
      return addresses.length === 0 ? null : addresses;
    },
    outcomeOf: (name) => {
      const entry = known.get(name);
      if (entry === undefined) return null;
      return entry.failed ? 'failed' : 'resolved';
    },
    noteAddresses: (name, addresses) =>
      note(name, { addresses: addresses.slice(0, maxAddresses), atMs: nowMs, failed: false }),
    noteFailure: (name, isGone) => {
      const before = known.get(name);
      const addresses = isGone ? [] : (before?.addresses ?? []);
      note(name, { addresses, atMs: addresses.length === 0 ? nowMs : (before?.atMs ?? nowMs), failed: true });
    },
    save: () => {
      if (!isChanged) return;
      isChanged = false;
      try {
        writeDurably({ file, content: `${JSON.stringify([...known])}\n`, mode: 0o600 });
      } catch {
        // The next run looks all names up without it. A full disk has faults of its own.
      }
    },
  };
}

function readEntries(file: string, nowMs: number): Map<string, Entry> {
  const known = new Map<string, Entry>();
  let stored: unknown;
  try {
    stored = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return known;
  }
  for (const pair of Array.isArray(stored) ? (stored as readonly unknown[]) : []) {
    const [name, entry] = (Array.isArray(pair) ? pair : []) as readonly unknown[];
    if (typeof name !== 'string' || typeof entry !== 'object' || entry === null) continue;
    const { addresses, atMs, failed } = entry as Partial<Record<keyof Entry, unknown>>;
    if (!Array.isArray(addresses) || typeof atMs !== 'number' || typeof failed !== 'boolean') continue;
    const ageMs = nowMs - atMs;
    if (ageMs < 0 || ageMs >= forgottenMs) continue;
    const own = (addresses as readonly unknown[]).filter((one) => typeof one === 'string' && isIP(one) !== 0);
    known.set(name, { addresses: (own as readonly string[]).slice(0, maxAddresses), atMs, failed });
  }
  return known;
}
