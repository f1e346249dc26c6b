import { dayMs } from '../../platform/units.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { databaseNowMs, sqlTime } from '../sql/sql-time.ts';
import type { FleetLevels, LevelStore, MountLevels } from '../store/level-store.ts';
import { inSteps } from './read-by-time.ts';

/** The rows of a day, by the primary key. Value: the day. */
export const levelsOfDaySql = `SELECT client, mount, size_bytes, available_bytes, used_bytes, inodes_percent
  FROM disk_levels WHERE day = ?`;

export function createLevelStore(database: Database): LevelStore {
  return { levels: (clients, days, signal) => readLevels(database, clients, days, signal) };
}

/** Reads day by day, so that no answer is large. */
async function readLevels(
  database: Database,
  clients: readonly string[] | null,
  days: number,
  signal: AbortSignal,
): Promise<FleetLevels> {
  const todayMs = Math.floor((await database.read(databaseNowMs)) / dayMs) * dayMs;
  const byClient = new Map<string, Map<string, MountLevels>>();
  const stepDone = inSteps({ signal, onProgress: () => undefined }, days);
  for (let index = 0; index < days; index += 1) {
    const day = sqlTime(todayMs - (days - 1 - index) * dayMs).slice(0, 10);
    for (const row of await database.read((session) => rowsOfDay(session, day, clients))) {
      addLevel(byClient, row, index, days);
    }
    await stepDone();
  }
  return { todayMs, mounts: [...byClient.values()].flatMap((mounts) => [...mounts.values()]) };
}

function rowsOfDay(session: Session, day: string, clients: readonly string[] | null): Promise<readonly SqlRow[]> {
  if (clients === null) return session.all(levelsOfDaySql, [day]);
  return forChunks(clients, (chunk, marks) =>
    session.all(`${levelsOfDaySql} AND client IN (${marks})`, [day, ...chunk]),
  );
}

function addLevel(byClient: Map<string, Map<string, MountLevels>>, row: SqlRow, index: number, days: number): void {
  const [client, mount] = [String(row['client']), String(row['mount'])];
  let mounts = byClient.get(client);
  if (mounts === undefined) byClient.set(client, (mounts = new Map<string, MountLevels>()));
  let levels = mounts.get(mount);
  if (levels === undefined) mounts.set(mount, (levels = unknownLevels(client, mount, days)));
  levels.sizeBytes[index] = figureOf(row['size_bytes']);
  levels.availableBytes[index] = figureOf(row['available_bytes']);
  levels.usedBytes[index] = figureOf(row['used_bytes']);
  levels.inodesPercent[index] = figureOf(row['inodes_percent']);
}

function figureOf(value: SqlValue | undefined): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

function unknownLevels(client: string, mount: string, days: number): MountLevels {
  const unknown = (): Float64Array => new Float64Array(days).fill(Number.NaN);
  return {
    client,
    mount,
    sizeBytes: unknown(),
    availableBytes: unknown(),
    usedBytes: unknown(),
    inodesPercent: unknown(),
  };
}
