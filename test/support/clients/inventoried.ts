import { mkdirSync } from 'node:fs';
import path from 'node:path';

import type { StorageConfig } from '../../../src/config/config.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { attemptsPerDay, furtherAttemptsPerDay } from '../../../src/report/state/state-due.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import { sqliteConfig } from '../../storage/support/sqlite-config.ts';
import { makeMigrated } from '../databases/migrated.ts';

/**
 * Makes clients known whose inventory came today, for tests that need none: on this machine an inventory starts 140
 * programs and takes twice the CPU time of the rest of a first visit. Their state was read as often as a day allows.
 */
export async function makeInventoried(storage: StorageConfig, ...clients: readonly string[]): Promise<void> {
  const now = Date.now();
  const [hourAgo, minuteAgo] = [sqlTime(now - 3_600_000), sqlTime(now - 60_000)];
  await makeMigrated(storage);
  const database = await openDatabase({ storage, program: 'collect' });
  try {
    await database.write(async (session) => {
      for (const name of clients) {
        await session.run(
          `INSERT INTO clients (name, first_seen, last_visit_at, last_report_at, inventory_at, state_at, state_runs)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
          [name, hourAgo, hourAgo, hourAgo, minuteAgo, sqlTime(now), attemptsPerDay + furtherAttemptsPerDay],
        );
      }
    });
  } finally {
    await database.close();
  }
}

/** Does the same for the SQLite file in a state folder, which may not exist yet. */
export async function makeInventoriedIn(stateDir: string, ...clients: readonly string[]): Promise<void> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await makeInventoried(sqliteConfig(path.join(stateDir, 'fleet.db')), ...clients);
}
