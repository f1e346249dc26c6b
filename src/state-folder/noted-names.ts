import { appendFileSync, readFileSync } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../platform/errors/errors.ts';
import { writeDurably } from './durable-file.ts';

/** The names that runs have noted in a file of the state folder. */
export interface NotedNames {
  has(name: string): boolean;
  note(name: string): void;
  /** Appends the new names to the file, mode 0600, and removes forgotten ones. Throws FleetError `state-unusable`. */
  save(): void;
  /** The path of the file. */
  readonly file: string;
}

export interface NotedNamesOptions {
  readonly file: string;
  /** The names count for so long after they were noted, also if they were known then. Default: for ever. */
  readonly forgotten?: { readonly afterMs: number; readonly nowMs: number };
}

/** A line of a name that is forgotten: the name as JSON, and when it was noted. */
const timedLine = /^\[(".*"),(\d{1,15})\]$/;

/**
 * Reads the file: one line for each name, as JSON, with its time if names are forgotten. Ignores damaged lines. Throws
 * FleetError `state-unusable` if the file cannot be read, because an empty record could be wrong.
 */
export function loadNotedNames({ file, forgotten }: NotedNamesOptions): NotedNames {
  const stored = readLines(file);
  const known = new Map<string, string>();
  /** The known names that are soon forgotten unless they are noted again. */
  const aging = new Set<string>();
  for (const line of stored) {
    const [, name = line, atMs = '0'] = timedLine.exec(line) ?? [];
    if (forgotten !== undefined) {
      const ageMs = forgotten.nowMs - Number(atMs);
      if (ageMs < 0 || ageMs >= forgotten.afterMs) continue;
      if (ageMs >= forgotten.afterMs / 2) aging.add(name);
    }
    known.set(name, line);
  }
  const fresh: string[] = [];
  return {
    file,
    has: (name) => known.has(JSON.stringify(name)),
    note: (given) => {
      const name = JSON.stringify(given);
      if (known.has(name) && !aging.delete(name)) return;
      const line = forgotten === undefined ? name : `[${name},${forgotten.nowMs}]`;
      known.set(name, line);
      fresh.push(line);
    },
    save: () => {
      if (fresh.length === 0) return;
      try {
        if (forgotten !== undefined && known.size - fresh.length < stored.length) {
          writeDurably({ file, content: `${[...known.values()].join('\n')}\n`, mode: 0o600 });
        } else {
          // The leading line feed ends a line that a crash left unfinished.
          appendFileSync(file, `\n${fresh.join('\n')}\n`, { mode: 0o600 });
        }
        fresh.length = 0;
      } catch (thrown) {
        throw unusable(file, thrown);
      }
    },
  };
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw unusable(file, thrown);
  }
}

function unusable(file: string, cause: unknown): FleetError {
  const message = `${file}: ${messageOf(cause)}`;
  return new FleetError({ code: 'state-unusable', stage: 'run', message, cause });
}
