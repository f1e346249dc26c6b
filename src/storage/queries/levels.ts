import { dayMs } from '../../platform/units.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { databaseNowMs, sqlTime } from '../sql/sql-time.ts';
import type { FleetLevels, LevelStore, MountLevels } from '../store/level-store.ts';
import { readForecasts } from './forecasts.ts';
import { inSteps } from './read-by-time.ts';

/** Selects the rows of a day, in the order of the primary key. Value: the day. */
const levelsOfDaySql = `SELECT client, mount, size_bytes, available_bytes, used_bytes, inodes_percent
  FROM disk_levels WHERE day = ?`;
/** Selects a page of the rows of a day. Values: the day, the client before the page, the most rows. */
export const levelsPageSql = `${levelsOfDaySql} AND client > ? ORDER BY client, mount LIMIT ?`;
/** The rows of a page: so few become garbage before their collection costs anything. */
const pageRows = 2000;

export function createLevelStore(database: Database): LevelStore {
  return {
    levels: (clients, days, signal, todayMs) => readLevels(database, clients, { days, signal, todayMs }),
    forecasts: (clients) => database.read((session) => readForecasts(session, clients)),
  };
}

/** Reads day by day, in pages. */
async function readLevels(
  database: Database,
  clients: readonly string[] | null,
  { days, signal, todayMs: atMs }: { days: number; signal: AbortSignal; todayMs: number | undefined },
): Promise<FleetLevels> {
  const todayMs = Math.floor((atMs ?? (await database.read(databaseNowMs))) / dayMs) * dayMs;
  const byClient = new Map<string, Map<string, MountLevels>>();
  const stepDone = inSteps({ signal, onProgress: () => undefined }, days);
  for (let index = 0; index < days; index += 1) {
    const day = sqlTime(todayMs - (days - 1 - index) * dayMs).slice(0, 10);
    await database.read((session) =>
      eachRowOfDay(session, day, clients, (row) => addLevel(byClient, row, index, days)),
    );
    await stepDone();
  }
  return { todayMs, mounts: [...byClient.values()].flatMap((mounts) => [...mounts.values()]) };
}

async function eachRowOfDay(
  session: Session,
  day: string,
  clients: readonly string[] | null,
  add: (row: SqlRow) => void,
): Promise<void> {
  if (clients !== null) {
    const rows = await forChunks(clients, (chunk, marks) =>
      session.all(`${levelsOfDaySql} AND client IN (${marks})`, [day, ...chunk]),
    );
    rows.forEach(add);
    return;
  }
  for (let after: SqlValue = ''; ;) {
    const rows: readonly SqlRow[] = await session.all(levelsPageSql, [day, after, String(pageRows)]);
    const last = rows.at(-1)?.['client'] ?? '';
    const isEnd = rows.length < pageRows;
    // The last client may continue in the next page, which has all its rows. A client has far fewer rows than a page.
    for (const row of rows) if (isEnd || row['client'] !== last) add(row);
    const whole = isEnd ? undefined : rows.findLast(({ client }) => client !== last);
    if (whole === undefined) return;
    after = whole['client'] ?? '';
  }
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
