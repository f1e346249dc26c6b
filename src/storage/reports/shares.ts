import { groupBy } from '../../platform/group-by.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { replaceRows } from '../sql/insert-rows.ts';
import { databaseNowMs, fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type {
  SeenCollector,
  ShareStore,
  SharingCollector,
  SiteShare,
  Slice,
  SliceClaim,
} from '../store/share-store.ts';

/** The slices of a site. A slice is a byte of a hash of the client's name. */
export const sliceCount = 256;

const collectorsSql = `SELECT id, site, host, key_id, capacity, seen_at FROM collectors
  WHERE seen_at >= ? ORDER BY site, id`;
const slicesSql = `SELECT site, slice, epoch, holder, cycle, until_at, done_at FROM slices
  WHERE site = ? ORDER BY slice`;
const heldSql = `SELECT site, holder, cycle, COUNT(*) AS slices, COUNT(done_at) AS done FROM slices
  GROUP BY site, holder, cycle`;

export function createShareStore(database: Database): ShareStore {
  return {
    nowMs: () => database.read(databaseNowMs),
    join: (collector) => join(database, collector),
    collectors: async (site, sinceMs) =>
      (await database.read((session) => seenSince(session, sinceMs))).filter((one) => one.site === site),
    slices: async (site) => (await database.read((session) => session.all(slicesSql, [site]))).map(sliceOf),
    sites: (sinceMs) => database.read((session) => sites(session, sinceMs)),
    claim: (claim) => database.write((session) => claimSlice(session, claim)),
    finish: async ({ site, holder, cycle }) => {
      await database.write(async (session) => {
        const { now } = session.dialect;
        const sql = `UPDATE slices SET until_at = ${now}, done_at = ${now} WHERE site = ? AND holder = ? AND cycle = ?
          AND done_at IS NULL`;
        await session.run(sql, [site, holder, cycle]);
      });
    },
  };
}

async function join(database: Database, collector: SharingCollector): Promise<void> {
  const { id, site, host, keyId, capacity } = collector;
  await database.write(async (session) => {
    const seenAt = sqlTime(await databaseNowMs(session));
    const row = { id, site, host: host.slice(0, 255), key_id: keyId, capacity, seen_at: seenAt };
    await replaceRows(session, 'collectors', ['id'], [row]);
    const [known] = await session.all('SELECT COUNT(*) AS n FROM slices WHERE site = ?', [site]);
    if (Number(known?.['n']) < sliceCount) await makeSlices(session, site);
  });
}

async function makeSlices(session: Session, site: string): Promise<void> {
  const free = { epoch: 0, holder: '', cycle: 0, until_at: sqlTime(0), done_at: null };
  const rows = Array.from({ length: sliceCount }, (_, slice) => ({ site, slice, ...free }));
  // Another collector may make the same ones, and have claimed some.
  await replaceRows(session, 'slices', ['site', 'slice'], rows, ['slice']);
}

async function claimSlice(session: Session, { slice, holder, cycle, untilMs }: SliceClaim): Promise<boolean> {
  const key = [slice.site, slice.slice];
  const sql = `UPDATE slices SET epoch = epoch + 1, holder = ?, cycle = ?, until_at = ?, done_at = NULL
    WHERE site = ? AND slice = ? AND epoch = ? AND until_at <= ${session.dialect.now}
      AND ? > ${session.dialect.now}`;
  const until = sqlTime(untilMs);
  if ((await session.run(sql, [holder, cycle, until, ...key, slice.epoch, until])) === 1) return true;
  // The answer to an earlier attempt may have been lost.
  const [row] = await session.all('SELECT epoch, holder FROM slices WHERE site = ? AND slice = ?', key);
  return Number(row?.['epoch']) === slice.epoch + 1 && row?.['holder'] === holder;
}

async function seenSince(session: Session, sinceMs: number): Promise<readonly SeenCollector[]> {
  return (await session.all(collectorsSql, [sqlTime(sinceMs)])).map(seenCollector);
}

async function sites(session: Session, sinceMs: number): Promise<readonly SiteShare[]> {
  const seen = groupBy(await seenSince(session, sinceMs), ({ site }) => site);
  const held = seen.size === 0 ? [] : await session.all(heldSql);
  return [...seen].map(([site, collectors]): SiteShare => {
    const own = held.filter((row) => row['site'] === site);
    const sum = (rows: readonly SqlRow[], column: string): number =>
      rows.reduce((all, row) => all + Number(row[column]), 0);
    const newest = Math.max(...own.map((row) => Number(row['cycle'])));
    return {
      site,
      slices: sum(own, 'slices'),
      visited: sum(
        own.filter((row) => Number(row['cycle']) === newest),
        'done',
      ),
      collectors: collectors.map(({ id, host, seenAtMs }) => {
        const slices = sum(
          own.filter((row) => row['holder'] === id),
          'slices',
        );
        return { id, host, seenAtMs, slices };
      }),
    };
  });
}

function seenCollector(row: SqlRow): SeenCollector {
  return {
    id: String(row['id']),
    site: String(row['site']),
    host: String(row['host']),
    keyId: String(row['key_id']),
    capacity: Number(row['capacity']),
    seenAtMs: fromSqlTime(row['seen_at']) ?? 0,
  };
}

function sliceOf(row: SqlRow): Slice {
  return {
    site: String(row['site']),
    slice: Number(row['slice']),
    epoch: Number(row['epoch']),
    holder: String(row['holder']),
    cycle: Number(row['cycle']),
    untilMs: fromSqlTime(row['until_at']) ?? 0,
    doneAtMs: fromSqlTime(row['done_at']),
  };
}
