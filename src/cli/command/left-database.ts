import { existsSync } from 'node:fs';

import type { Config } from '../../config/config.ts';
import { statePaths } from '../../state/paths.ts';
import type { RunSummary } from '../../storage/store/storage.ts';

/**
 * Returns a sentence about the SQLite database in the state folder if config.xml names another one that no run has used
 * yet: a changed `<storage url>` begins a new history without it. Returns null otherwise.
 */
export function leftDatabase(
  { stateDir, storage }: Pick<Config, 'stateDir' | 'storage'>,
  lastRun: RunSummary | null,
): string | null {
  const left = statePaths(stateDir).database;
  if (lastRun !== null || left === storage.path || !existsSync(left)) return null;
  return `${left} holds what was stored before <storage url> named another database.`;
}
