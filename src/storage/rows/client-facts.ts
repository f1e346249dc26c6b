import type { Database } from '../sql/database.ts';
import { type ClientFacts, storedFacts } from '../store/storage.ts';

const factsSql = `SELECT name, COALESCE(address, name) AS address, last_visit_at, last_report_at, consecutive_failures, next_attempt_at, boot_id,
  inventory_at, reader, state_stamp, state_at, state_runs, state_wanted_at, CASE WHEN consecutive_failures > 0 THEN
    (SELECT v.code FROM visits v WHERE v.client = clients.name ORDER BY v.started_at DESC, v.id DESC LIMIT 1)
  END AS failed_code,
  CASE WHEN next_attempt_at IS NOT NULL THEN
    (SELECT r.config_digest FROM visits v JOIN runs r ON r.id = v.run_id WHERE v.client = clients.name
      ORDER BY v.started_at DESC, v.id DESC LIMIT 1)
  END AS attempt_digest FROM clients`;

/** Implements ReportStore.clientFacts. */
export async function clientFacts(database: Database): Promise<ReadonlyMap<string, ClientFacts>> {
  const rows = await database.read((session) => session.all(factsSql));
  return new Map(rows.map(storedFacts.read).map((facts) => [facts.name, facts]));
}
