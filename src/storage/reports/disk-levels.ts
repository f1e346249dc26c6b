import { greatest } from '../../platform/group-by.ts';
import { integerFor } from '../sql/column-types.ts';
import { isFilledByGrowth } from '../../report/columns.ts';
import type { ReportRows } from '../rows/report-rows.ts';
import type { Session } from '../sql/database.ts';
import { forChunks, mergeRows, type Values } from '../sql/insert-rows.ts';

/** The most mounts of a client and day, because the client chooses their names. */
const maxMounts = 64;

/** A row of `disk_levels`. */
interface LevelRow {
  readonly day: string;
  readonly client: string;
  readonly mount: string;
  readonly observed_at: string;
  readonly size_bytes: number | null;
  readonly available_bytes: number | null;
  readonly used_bytes: number | null;
  readonly inodes_percent: number | null;
}

/**
 * Keeps the highest level of each mount and day of reports, for forecasts. Omits mounts that growth does not fill:
 * network mounts, read-only mounts, images, and memory. Adding a report twice changes nothing.
 */
export async function storeDiskLevels(session: Session, batch: readonly ReportRows[]): Promise<void> {
  // All writers lock rows in the order of their key. Reports of one day are in the order of time.
  const levels = batch.flatMap(levelsOf).sort((one, other) => compare(keyOf(one), keyOf(other)));
  const known = await knownMounts(session, levels);
  const taken = levels.filter((level) => {
    const mounts = known.get(placeOf(level)) ?? new Set();
    if (mounts.size >= maxMounts && !mounts.has(level.mount)) return false;
    known.set(placeOf(level), mounts.add(level.mount));
    return true;
  });
  await mergeRows(session, 'disk_levels', ['day', 'client', 'mount'], folded(taken), newestAndGreatest);
}

function levelsOf({ item, observedAt, disks }: ReportRows): readonly LevelRow[] {
  return disks.filter(isFilledByGrowth).map((disk) => ({
    day: observedAt.slice(0, 10),
    client: item.client,
    mount: disk.mount,
    observed_at: observedAt,
    size_bytes: integerFor('size_bytes', disk.size_bytes),
    available_bytes: integerFor('available_bytes', disk.available_bytes),
    used_bytes: integerFor('used_bytes', disk.used_bytes),
    inodes_percent: disk.inodes_percent,
  }));
}

function placeOf({ day, client }: LevelRow): string {
  return `${day} ${client}`;
}

function keyOf(level: LevelRow): string {
  return `${placeOf(level)}\0${level.mount}\0${level.observed_at}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : 1;
}

/** Returns the stored mounts, by day and client. */
async function knownMounts(session: Session, levels: readonly LevelRow[]): Promise<Map<string, Set<string>>> {
  const known = new Map<string, Set<string>>();
  for (const day of new Set(levels.map((level) => level.day))) {
    const clients = [...new Set(levels.filter((level) => level.day === day).map(({ client }) => client))];
    const rows = await forChunks(clients, (chunk, marks) =>
      session.all(`SELECT client, mount FROM disk_levels WHERE day = ? AND client IN (${marks})`, [day, ...chunk]),
    );
    for (const { client, mount } of rows) {
      const place = `${day} ${String(client)}`;
      known.set(place, (known.get(place) ?? new Set()).add(String(mount)));
    }
  }
  return known;
}

/** Returns one level for a mount and day, as the database would merge them; more if the size of one is unknown. */
function folded(levels: readonly LevelRow[]): readonly Values[] {
  const rows: LevelRow[] = [];
  for (const level of levels) {
    const last = rows.at(-1);
    const isSame = last?.mount === level.mount && placeOf(last) === placeOf(level);
    if (!isSame || level.size_bytes === null || level.available_bytes === null) rows.push(level);
    else {
      rows[rows.length - 1] = {
        ...level,
        used_bytes: higher(last.used_bytes, level.used_bytes),
        inodes_percent: higher(last.inodes_percent, level.inodes_percent),
      };
    }
  }
  return rows.map((level) => ({ ...level }));
}

function higher(...values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : greatest(known);
}

/** Merges a level into the stored level of the same day. */
function newestAndGreatest(incoming: (column: string) => string): readonly string[] {
  const own = (column: string): string => `disk_levels.${column}`;
  const isNewer = `${own('observed_at')} <= ${incoming('observed_at')}`;
  const newest = (column: string): string =>
    `${column} = CASE WHEN ${isNewer} THEN COALESCE(${incoming(column)}, ${own(column)}) ELSE ${own(column)} END`;
  const greater = (column: string): string =>
    `${column} = CASE WHEN ${own(column)} IS NULL OR ${incoming(column)} > ${own(column)}
      THEN ${incoming(column)} ELSE ${own(column)} END`;
  return [
    newest('size_bytes'),
    newest('available_bytes'),
    greater('used_bytes'),
    greater('inodes_percent'),
    // Last: MySQL makes assignments one after the other and would compare with the new value.
    newest('observed_at'),
  ];
}
