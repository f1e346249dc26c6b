import { appendFileSync, readFileSync } from 'node:fs';

import type { Client } from '../../config/config.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';

/**
 * The clients that have accepted a key alone. Such a client is no longer offered a password beside the key: its root
 * could refuse the key to obtain the password.
 */
export interface KeyLogins {
  /** True if the client is recorded under its present or its former name. */
  has(client: Pick<Client, 'name' | 'was'>): boolean;
  note(client: Pick<Client, 'name'>): void;
  /** Appends the newly recorded clients to the file, mode 0600. Throws FleetError `state-unusable`. */
  save(): void;
  /** The path of the file; null if nothing is recorded. */
  readonly file: string | null;
}

/** A record that stays empty. */
export const noKeyLogins: KeyLogins = {
  has: () => false,
  note: () => undefined,
  save: () => undefined,
  file: null,
};

/** Reads the file: one line for each client, its name as JSON. Throws FleetError `state-unusable` if that fails. */
export function loadKeyLogins(file: string): KeyLogins {
  const known = new Set(readLines(file));
  const fresh = new Set<string>();
  return {
    file,
    has: ({ name, was }) => [name, was].some((one) => one !== null && known.has(JSON.stringify(one))),
    note: ({ name }) => {
      const line = JSON.stringify(name);
      if (known.has(line)) return;
      known.add(line);
      fresh.add(line);
    },
    save: () => {
      if (fresh.size === 0) return;
      try {
        // The leading line feed ends a line that a crash left unfinished.
        appendFileSync(file, `\n${[...fresh].join('\n')}\n`, { mode: 0o600 });
        fresh.clear();
      } catch (thrown) {
        throw unusable(file, thrown);
      }
    },
  };
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw unusable(file, thrown);
  }
}

function unusable(file: string, cause: unknown): FleetError {
  const message = `${file}: ${messageOf(cause)}`;
  return new FleetError({ code: 'state-unusable', stage: 'login', message, cause });
}
