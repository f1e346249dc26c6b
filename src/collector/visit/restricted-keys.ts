import { readFileSync } from 'node:fs';

import type { Client } from '../../config/config.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';

type Named = Pick<Client, 'name'>;

/** The clients whose agent reported at its last visit that a restricted key had started it. */
export interface RestrictedKeys {
  has(client: Named): boolean;
  note(client: string, isRestricted: boolean): void;
  /**
   * Replaces the file, mode 0600, if it has changed. Keeps nothing of other clients. Throws FleetError
   * `state-unusable`.
   */
  save(clients: readonly Named[]): void;
}

/**
 * Reads the file: one line for each client, its name as JSON. A file that cannot be read counts as empty, because the
 * next visits detect restricted keys again.
 */
export function loadRestrictedKeys(file: string): RestrictedKeys {
  const before = fileText(file);
  const known = new Set(before.split('\n'));
  return {
    has: ({ name }) => known.has(JSON.stringify(name)),
    note: (client, isRestricted) => {
      if (isRestricted) known.add(JSON.stringify(client));
      else known.delete(JSON.stringify(client));
    },
    save: (clients) => {
      const lines = clients.map(({ name }) => JSON.stringify(name)).filter((line) => known.has(line));
      const content = lines.map((line) => `${line}\n`).join('');
      if (content === before) return;
      try {
        writeDurably({ file, content, mode: 0o600 });
      } catch (thrown) {
        const message = `${file}: ${messageOf(thrown)}`;
        throw new FleetError({ code: 'state-unusable', stage: 'run', message, cause: thrown });
      }
    },
  };
}

function fileText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
