import { ownFaultCodes } from '../../platform/errors/errors.ts';
import { sealedSummary } from '../reports/sealed-reports.ts';
import { stateDiskFacts } from '../reports/state-disks.ts';
import type { Database, Session } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import { failedVisit, type FleetStore, type SeenClient, seenClient } from '../store/fleet-store.ts';
import { storedRun } from '../store/run.ts';

const runsSql = `SELECT ${storedRun.columns} FROM runs WHERE program = ? AND started_at >= ?
  ORDER BY started_at DESC, id DESC`;
const lastRunSql = `SELECT ${storedRun.columns} FROM runs WHERE program = 'collect' AND collector_id = ? AND scope = 'full'
  AND outcome <> 'overlapped' ORDER BY started_at DESC, id DESC LIMIT 1`;
// A report that waits sealed counts too, whatever its content.
const sealedSql = 'SELECT client, MAX(received_at) AS newest FROM sealed_reports GROUP BY client';
const ownFaultsSql = `SELECT ${failedVisit.columns} FROM visits
  WHERE run_id = ? AND ok = 0 AND code IN (${ownFaultCodes.map(() => '?').join(', ')}) ORDER BY client`;
const clientsSql = `SELECT ${seenClient.columns} FROM clients ORDER BY name`;

export function createFleetStore(database: Database): FleetStore {
  return {
    lastRunOf: async (collectorId) => {
      const [row] = await database.read((session) => session.all(lastRunSql, [collectorId]));
      return row === undefined ? null : storedRun.read(row);
    },
    runs: async (program, sinceMs) =>
      (await database.read((session) => session.all(runsSql, [program, sqlTime(sinceMs)]))).map(storedRun.read),
    seenClients: () => database.read(seenClients),
    sharingSites: async () => {
      const rows = await database.read((session) => session.all('SELECT id, site FROM collectors ORDER BY id'));
      return new Map(rows.map((row) => [String(row['id']), String(row['site'])]));
    },
    sealedWaiting: () => database.read(sealedSummary),
    ownFaults: async (runId) =>
      (await database.read((session) => session.all(ownFaultsSql, [runId, ...ownFaultCodes]))).map(failedVisit.read),
    stateDisks: (sinceMs) => database.read((session) => stateDiskFacts(session, sinceMs)),
  };
}

async function seenClients(session: Session): Promise<readonly SeenClient[]> {
  const sealed = new Map(
    (await session.all(sealedSql)).map((row) => [String(row['client']), fromSqlTime(row['newest']) ?? -Infinity]),
  );
  return (await session.all(clientsSql)).map((row) => {
    const client = seenClient.read(row);
    return { ...client, lastReportAtMs: newerOf(client.lastReportAtMs, sealed.get(client.name)) };
  });
}

function newerOf(opened: number | null, sealed: number | undefined): number | null {
  return sealed === undefined ? opened : Math.max(opened ?? -Infinity, sealed);
}
