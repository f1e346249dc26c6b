/** Servers that take events. */
import path from 'node:path';
import type { TestContext } from 'node:test';

import { configFolder } from '../../../support/programs/run-cli.ts';
import { type Served, type ServedOptions, serveFolder } from './served-fleet.ts';
import { openBeside } from '../../../support/databases/open-beside.ts';

export type EventServer = Omit<Served, 'run'> & {
  readonly post: (body: string, headers?: Readonly<Record<string, string>>) => ReturnType<Served['ask']>;
  /** Returns the rows of events, oldest first. */
  readonly stored: (columns: string) => readonly (readonly unknown[])[];
};

/** Starts a server that takes events, for a folder with config.xml or for a new one. */
export async function openEndpoint(t: TestContext, options: ServedOptions = {}, made?: string): Promise<EventServer> {
  const dir = made ?? configFolder(t, '<config></config>');
  const served = await serveFolder(t, dir, { parts: '<events/>', ...options });
  return {
    ...served,
    post: (body, headers = {}) =>
      served.ask('/events', {
        method: 'POST',
        headers: { 'Content-Length': String(Buffer.byteLength(body)), ...headers },
        body,
      }),
    stored: (columns) => storedIn(dir, columns),
  };
}

/** Returns the rows of events of a folder's SQLite file, oldest first; none before the first one is stored. */
export function storedIn(dir: string, columns: string): readonly (readonly unknown[])[] {
  const database = openBeside(path.join(dir, 'state', 'fleet.db'));
  try {
    const made = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'events'").all();
    if (made.length === 0) return [];
    const rows: readonly object[] = database.prepare(`SELECT ${columns} FROM events ORDER BY id`).all();
    return rows.map((row) => Object.values(row) as readonly unknown[]);
  } finally {
    database.close();
  }
}
