import type { Report } from '../../report/report.ts';
import { isObject } from '../../platform/parse-json.ts';
import { json } from '../store/record-shape.ts';
import type { StoredReports } from '../store/evaluation-store.ts';
import { forIds } from '../sql/by-ids.ts';
import type { Database, Session } from '../sql/database.ts';

/** The bytes of reports in memory at a time. One client can fill 100 reports of 1 MiB each in a visit. */
const windowBytes = 4 * 2 ** 20;

/** Implements EvaluationStore.reportsOf. */
export async function openReports(database: Database, ids: readonly number[]): Promise<StoredReports> {
  const sizes = await database.read((session) => sizesOf(session, ids));
  const windows = windowsOf(
    ids.filter((id) => sizes.has(id)),
    sizes,
  );
  let loaded = await database.read((session) => load(session, windows[0] ?? []));
  const read = async (id: number): Promise<Report | undefined> => {
    const window = windows.find((one) => one.includes(id)) ?? [];
    loaded = new Map();
    loaded = await database.read((session) => load(session, window));
    return loaded.get(id);
  };
  return { get: (id) => (loaded.has(id) || !sizes.has(id) ? loaded.get(id) : read(id)) };
}

async function sizesOf(session: Session, ids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const rows = await forIds('stat_id', ids, (where, values) =>
    session.all(`SELECT stat_id, OCTET_LENGTH(report) AS bytes FROM reports WHERE ${where}`, values),
  );
  return new Map(rows.map((row) => [Number(row['stat_id']), Number(row['bytes'])]));
}

/** Groups ids in the given order, each group as large as fits `windowBytes`. */
function windowsOf(ids: readonly number[], sizes: ReadonlyMap<number, number>): readonly (readonly number[])[] {
  const windows: number[][] = [];
  let free = 0;
  for (const id of ids) {
    const bytes = sizes.get(id) ?? 0;
    free -= bytes;
    if (free >= 0) windows.at(-1)?.push(id);
    else {
      windows.push([id]);
      free = windowBytes - bytes;
    }
  }
  return windows;
}

async function load(session: Session, ids: readonly number[]): Promise<ReadonlyMap<number, Report>> {
  const rows = await forIds('stat_id', ids, (where, values) =>
    session.all(`SELECT stat_id, report FROM reports WHERE ${where}`, values),
  );
  // The report was checked before it was stored. A text that somebody has changed since counts as no report.
  return new Map(
    rows.flatMap((row) => {
      const report = json(row['report']);
      return isObject(report) ? [[Number(row['stat_id']), report as unknown as Report] as const] : [];
    }),
  );
}
