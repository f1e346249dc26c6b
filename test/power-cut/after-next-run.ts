import { openSqlite } from '../../src/platform/sqlite.ts';
import type { Client } from '../../src/config/config.ts';
import { makeConfig, type Fleet } from '../support/fleets/fleet.ts';
import type { Recovered } from './every-cut.ts';

const rows = `
  SELECT 'report' AS kind, report_id AS id FROM stats
  UNION ALL SELECT 'event', event_id FROM events
  UNION ALL SELECT 'visit', run_id FROM visits
  UNION ALL SELECT 'run', id FROM runs
  UNION ALL SELECT 'finished run', id FROM runs WHERE outcome = 'finished'`;

/**
 * Lets the next run of `collect` store what waits. Returns the rows that the database then has, each as `KIND ID`. A
 * sealed file that is left is wrong: it waits although the run is over, or is in quarantine because it was torn.
 */
export async function afterNextRun(fleet: Fleet, clients: readonly Client[]): Promise<Recovered> {
  await fleet.collect(clients);
  const { storage } = makeConfig(fleet.stateDir, []);
  const database = openSqlite(storage.path ?? '', { readOnly: true });
  try {
    const kept = database
      .prepare(rows)
      .all()
      .map(({ kind, id }) => `${String(kind)} ${String(id)}`);
    return { kept, wrong: fleet.sealedFiles() };
  } finally {
    database.close();
  }
}
