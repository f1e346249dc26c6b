import type { Database } from '../sql/database.ts';
import { hostKeyCodes } from '../store/run.ts';
import { type ClientFacts, storedFacts } from '../store/storage.ts';

/** The most failures in a row of which each is read, every time. */
const maxRead = 100;

const factsSql = `SELECT name, COALESCE(address, name) AS address, last_visit_at, last_report_at, consecutive_failures, next_attempt_at, boot_id,
  inventory_at, reader, state_stamp, state_at, state_runs, state_wanted_at, CASE WHEN consecutive_failures > 0 THEN
    (SELECT v.code FROM visits v WHERE v.client = clients.name ORDER BY v.started_at DESC, v.id DESC LIMIT 1)
  END AS failed_code,
  CASE WHEN consecutive_failures BETWEEN 1 AND ${maxRead} THEN
    (SELECT COUNT(*) FROM visits v JOIN runs r ON r.id = v.run_id WHERE v.client = clients.name AND v.ok = 0
      AND (r.scope = 'filtered' OR v.code IN (${hostKeyCodes.map((code) => `'${code}'`).join(', ')}))
      AND v.started_at >= COALESCE((SELECT g.started_at FROM visits g WHERE g.client = clients.name AND g.ok = 1
        ORDER BY g.started_at DESC, g.id DESC LIMIT 1), first_seen))
  ELSE 0 END AS uncounted_failures,
  CASE WHEN next_attempt_at IS NOT NULL THEN
    (SELECT r.config_digest FROM visits v JOIN runs r ON r.id = v.run_id WHERE v.client = clients.name
      ORDER BY v.started_at DESC, v.id DESC LIMIT 1)
  END AS attempt_digest FROM clients`;

/** Implements ReportStore.clientFacts. */
export async function clientFacts(database: Database): Promise<ReadonlyMap<string, ClientFacts>> {
  const rows = await database.read((session) => session.all(factsSql));
  return new Map(rows.map(storedFacts.read).map((facts) => [facts.name, facts]));
}
