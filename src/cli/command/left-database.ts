import { existsSync } from 'node:fs';

import { documentsIn } from '../../collector/inbox/document-files.ts';
import { documentsOf } from '../../collector/inbox/origins.ts';
import type { Config } from '../../config/config.ts';
import { statePaths } from '../../state-folder/paths.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { readStored } from './read-stored.ts';

/**
 * Returns a sentence about the SQLite database in the state folder if config.xml names another database that no run has
 * used yet: a changed `<storage url>` begins a new history. Returns null otherwise.
 */
export function leftDatabase(
  { stateDir, storage }: Pick<Config, 'stateDir' | 'storage'>,
  lastRun: RunFact | null,
): string | null {
  const left = statePaths(stateDir).database;
  if (lastRun !== null || left === storage.path || !existsSync(left)) return null;
  return `${left} holds what was stored before <storage url> named another database.`;
}

/**
 * Returns a sentence about records of runs that wait for the database while it has no run; null if none waits: the
 * first run could not store them.
 */
export function waitingRuns({ stateDir }: Pick<Config, 'stateDir'>, lastRun: RunFact | null): string | null {
  if (lastRun !== null) return null;
  const folder = documentsOf(statePaths(stateDir), { kind: 'collector' });
  if (documentsIn(folder).length === 0) return null;
  return `No run is in the database yet: its records wait in ${folder}, and the next run stores them.`;
}

/** Returns the sentence of leftDatabase if the run that has just ended is the only one in the database; else null. */
export async function leftByFirstRun(
  config: Pick<Config, 'stateDir' | 'storage'>,
  signal: AbortSignal,
): Promise<string | null> {
  const left = leftDatabase(config, null);
  if (left === null) return null;
  const sql = "SELECT id FROM runs WHERE program = 'collect' LIMIT 2";
  const runs = await readStored(
    config.storage,
    signal,
    async (stored) => (await stored?.history.query(sql)) ?? [],
  ).catch(() => []);
  return runs.length === 1 ? left : null;
}
