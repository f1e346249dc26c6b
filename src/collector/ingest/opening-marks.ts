import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { syncDescriptor, syncFolder } from '../../state/sync-folder.ts';

/**
 * Reports whose opening may have ended a run. Their names are on the disk before they are opened, so that a report that
 * makes the process die is not the first one that the next run opens.
 */
export interface OpeningMarks {
  /** How many runs died with it alone; 0: only with others. null: none died while it was opened. */
  deathsOf(name: string): number | null;
  /** True if two runs died while it alone was opened. */
  isDeadly(name: string): boolean;
  /** Resolves once these names would survive a power loss. A disk that takes no mark stops nothing. */
  begin(names: readonly string[]): Promise<void>;
  /** They have been opened, or will not be. */
  end(): void;
}

export const noMarks: OpeningMarks = {
  deathsOf: () => null,
  isDeadly: () => false,
  begin: () => Promise.resolve(),
  end: () => undefined,
};

interface Marks {
  readonly open: readonly string[];
  /** How many runs died with this name alone, by name; 0: with others. */
  readonly deaths: Readonly<Record<string, number>>;
}

export const deadlyMessage = 'two runs ended while this report alone was opened and stored';
const deadlyDeaths = 2;
const largestBytes = 4 * 1024 * 1024;

/** Reads what the run before left in the file. Only the holder of the program's lock may call it. */
export function openMarks(file: string): OpeningMarks {
  const { open, deaths: before } = readMarks(file);
  const deaths = new Map(Object.entries(before));
  for (const name of open) deaths.set(name, (deaths.get(name) ?? 0) + (open.length === 1 ? 1 : 0));
  const deadly = new Set([...deaths].flatMap(([name, count]) => (count >= deadlyDeaths ? [name] : [])));
  for (const name of deadly) deaths.delete(name);
  const textOf = (names: readonly string[]): string =>
    names.length + deaths.size === 0 ? '' : JSON.stringify({ open: names, deaths: Object.fromEntries(deaths) });
  let written = open.length + deadly.size > 0;
  return {
    deathsOf: (name) => deaths.get(name) ?? null,
    isDeadly: (name) => deadly.has(name),
    begin: async (names) => {
      if (names.length === 0) return;
      try {
        const isNew = !existsSync(file);
        written = true;
        const descriptor = openRegular(file, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC);
        try {
          writeFileSync(descriptor, textOf(names));
          await syncDescriptor(descriptor);
        } finally {
          closeSync(descriptor);
        }
        if (isNew) await syncFolder(path.dirname(file));
      } catch {
        // Reports must go into the database above all where this disk is full.
      }
      // One that is opened without its run's death is a suspect no longer.
      if (names.length === 1) for (const name of names) deaths.delete(name);
    },
    end: () => {
      if (!written) return;
      written = false;
      try {
        const descriptor = openRegular(file, constants.O_WRONLY | constants.O_TRUNC);
        try {
          writeFileSync(descriptor, textOf([]));
        } finally {
          closeSync(descriptor);
        }
      } catch {
        // What is named there is gone from the spool, or was open.
      }
    },
  };
}

function openRegular(file: string, flags: number): number {
  const descriptor = openSync(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error('no regular file');
}

function readMarks(file: string): Marks {
  try {
    const descriptor = openRegular(file, constants.O_RDONLY);
    try {
      if (fstatSync(descriptor).size > largestBytes) return { open: [], deaths: {} };
      const read: unknown = JSON.parse(readFileSync(descriptor, 'utf8'));
      return isMarks(read) ? read : { open: [], deaths: {} };
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return { open: [], deaths: {} };
  }
}

function isMarks(value: unknown): value is Marks {
  if (typeof value !== 'object' || value === null || !('open' in value) || !('deaths' in value)) return false;
  const { open, deaths } = value;
  if (!Array.isArray(open) || typeof deaths !== 'object' || deaths === null) return false;
  return open.every((name) => typeof name === 'string') && Object.values(deaths).every(Number.isInteger);
}
