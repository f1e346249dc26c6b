import { groupBy } from '../../platform/group-by.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { replaceRows } from '../sql/insert-rows.ts';
import { databaseNowMs, fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import {
  nextCycleAfter,
  sliceCount,
  type Cycle,
  type SeenCollector,
  seenCollector,
  type ShareStore,
  type SharingCollector,
  type SiteShare,
  type SliceClaim,
  storedReach,
  storedSlice,
} from '../store/share-store.ts';

const collectorsSql = `SELECT ${seenCollector.columns} FROM collectors
  WHERE seen_at >= ? ORDER BY site, id`;
const slicesSql = `SELECT site, slice, epoch, holder, cycle, until_at AS until, done_at FROM slices
  WHERE site = ? ORDER BY slice`;
const reachSql = `SELECT ${storedReach.columns} FROM runs WHERE program = 'collect' AND collector_id = ? AND scope = 'full'
  AND outcome = 'finished' AND succeeded + failed > 0 ORDER BY started_at DESC, id DESC LIMIT 2`;
const heldSql = `SELECT site, holder, cycle, COUNT(*) AS slices, COUNT(done_at) AS done FROM slices
  GROUP BY site, holder, cycle`;

export function createShareStore(database: Database): ShareStore {
  return {
    nowMs: () => database.read(databaseNowMs),
    join: (collector, everyMs, sinceStartMs = () => 0) =>
      database.write((session) => join(session, collector, { everyMs, sinceStartMs })),
    collectors: async (site, sinceMs) =>
      (await database.read((session) => seenSince(session, sinceMs))).filter((one) => one.site === site),
    lastReaches: async (id) => (await database.read((session) => session.all(reachSql, [id]))).map(storedReach.read),
    slices: async (site) => (await database.read((session) => session.all(slicesSql, [site]))).map(storedSlice.read),
    sites: (sinceMs) => database.read((session) => sites(session, sinceMs)),
    claim: (claim) => database.write((session) => claimSlice(session, claim)),
    finish: async ({ site, holder, cycle, untilMs }) => {
      await database.write(async (session) => {
        const { now } = session.dialect;
        // An earlier run of the same holder that was killed had another time.
        const sql = `UPDATE slices SET done_at = ${now}, until_at = ${now} WHERE site = ? AND holder = ? AND cycle = ?
          AND until_at = ?`;
        await session.run(sql, [site, holder, cycle, sqlTime(untilMs)]);
      });
    },
  };
}

interface JoinOptions {
  readonly everyMs: number;
  readonly sinceStartMs: () => number;
}

async function join(
  session: Session,
  collector: SharingCollector,
  { everyMs, sinceStartMs }: JoinOptions,
): Promise<Cycle> {
  const { id, site, host, keyId, capacity } = collector;
  const sql = `SELECT cycle, began_at FROM cycles WHERE site = ?${session.dialect.forUpdate}`;
  const [row] = await session.all(sql, [site]);
  const nowMs = await databaseNowMs(session);
  const beganAtMs = fromSqlTime(row?.['began_at']) ?? 0;
  const number = Number(row?.['cycle'] ?? 0);
  const startedMs = nowMs - Math.min(Math.max(0, sinceStartMs()), everyMs);
  // A time in the future comes from a wrong clock.
  const isNew = startedMs - beganAtMs >= nextCycleAfter * everyMs || beganAtMs > nowMs + everyMs;
  const cycle = isNew ? { number: number + 1, beganAtMs: startedMs, nowMs } : { number, beganAtMs, nowMs };
  const began = { site, cycle: cycle.number, began_at: sqlTime(cycle.beganAtMs) };
  if (isNew) await replaceRows(session, 'cycles', ['site'], [began]);
  const seen = { id, site, host: host.slice(0, 255), key_id: keyId, capacity, seen_at: sqlTime(nowMs) };
  await replaceRows(session, 'collectors', ['id'], [seen]);
  const [known] = await session.all('SELECT COUNT(*) AS n FROM slices WHERE site = ?', [site]);
  if (Number(known?.['n']) < sliceCount) await makeSlices(session, site);
  return cycle;
}

async function makeSlices(session: Session, site: string): Promise<void> {
  const free = { epoch: 0, holder: '', cycle: 0, until_at: sqlTime(0), done_at: null };
  const rows = Array.from({ length: sliceCount }, (_, slice) => ({ site, slice, ...free }));
  // Another collector may make the same slices, and may already have claimed some.
  await replaceRows(session, 'slices', ['site', 'slice'], rows, ['slice']);
}

async function claimSlice(session: Session, claim: SliceClaim): Promise<boolean> {
  const { slice, holder, cycle } = claim;
  const [until, far] = [sqlTime(claim.untilMs), sqlTime(claim.farMs)];
  const key = [slice.site, slice.slice];
  const { now } = session.dialect;
  const sql = `UPDATE slices SET epoch = epoch + 1, holder = ?, cycle = ?, until_at = ?, done_at = NULL
    WHERE site = ? AND slice = ? AND epoch = ? AND cycle < ? AND (until_at <= ${now} OR until_at > ?) AND ? > ${now}`;
  if ((await session.run(sql, [holder, cycle, until, ...key, slice.epoch, cycle, far, until])) === 1) return true;
  // The answer to an earlier attempt may have been lost. A collector with a copied id would have another time.
  const [row] = await session.all('SELECT epoch, holder, until_at FROM slices WHERE site = ? AND slice = ?', key);
  return (
    Number(row?.['epoch']) === slice.epoch + 1 &&
    row?.['holder'] === holder &&
    fromSqlTime(row['until_at']) === claim.untilMs
  );
}

async function seenSince(session: Session, sinceMs: number): Promise<readonly SeenCollector[]> {
  return (await session.all(collectorsSql, [sqlTime(sinceMs)])).map(seenCollector.read);
}

async function sites(session: Session, sinceMs: number): Promise<readonly SiteShare[]> {
  const seen = groupBy(await seenSince(session, sinceMs), ({ site }) => site);
  const held = seen.size === 0 ? [] : await session.all(heldSql);
  const cycles = seen.size === 0 ? [] : await session.all('SELECT site, cycle, began_at FROM cycles');
  return [...seen].map(([site, collectors]): SiteShare => {
    const own = held.filter((row) => row['site'] === site);
    const sum = (rows: readonly SqlRow[], column: string): number =>
      rows.reduce((all, row) => all + Number(row[column]), 0);
    const cycle = cycles.find((row) => row['site'] === site);
    const inNewest = own.filter((row) => row['cycle'] === cycle?.['cycle']);
    return {
      site,
      slices: sum(own, 'slices'),
      cycle: Number(cycle?.['cycle'] ?? 0),
      beganAtMs: fromSqlTime(cycle?.['began_at']) ?? 0,
      visited: sum(inNewest, 'done'),
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
