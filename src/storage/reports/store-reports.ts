import { groupBy, least } from '../../platform/group-by.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { reportNames } from '../../report/report.ts';
import type { ClientShares } from './client-shares.ts';
import type { Database, Session } from '../sql/database.ts';
import { isFaultOfValues } from '../sql/fault.ts';
import { storeHalving } from '../sql/store-each.ts';
import { forChunks, insertRows, mergeRows } from '../sql/insert-rows.ts';
import { storeDiskLevels } from './disk-levels.ts';
import { withEarlierResults } from './earlier-results.ts';
import { storeInventory } from './inventory.ts';
import { storeState, storeStateNames } from './state.ts';
import {
  checkStatsRows,
  diskStatsRows,
  logLineRows,
  networkStatsRows,
  reportRow,
  reportRows,
  type ReportRows,
} from '../rows/report-rows.ts';
import { ownItem } from './own-item.ts';
import { noteDropped, storeSamples, type DroppedReadings } from './samples.ts';
import { ownersOf, refusedWith, removeSealed } from './sealed-reports.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { IngestItem, IngestResult } from '../store/storage.ts';

/** Implements ReportStore.ingest. */
export async function storeReports(
  database: Database,
  items: readonly IngestItem[],
  shares: ClientShares,
): Promise<readonly IngestResult[]> {
  // Made before the transaction begins, so that locks are held only while rows are stored.
  const prepared = items.map(prepare);
  const storable = prepared.filter((one): one is ReportRows => 'item' in one);
  await storeStateNames(
    database,
    storable.map(({ item }) => item),
  );
  const storeAll = (batch: readonly ReportRows[]): Promise<readonly IngestResult[]> =>
    database.write((session) => storeBatch(session, shares, batch));
  const stored = (await storeHalving(storable, storeAll, refusedWith)).values();
  const results = prepared.map((one): IngestResult => {
    if (!('item' in one)) return one;
    const next = stored.next();
    if (next.done === true) throw new TypeError('fewer results than reports');
    return next.value;
  });
  const refusal = commonRefusal(items, results);
  if (refusal !== null && !(await takesOwnReports(database, shares))) {
    throw new FleetError({ code: 'storage-failed', stage: 'storage', message: refusal });
  }
  return results;
}

// Otherwise a report that cannot become a row would throw in the middle of a batch.
function prepare(item: IngestItem): ReportRows | Extract<IngestResult, { kind: 'refused' }> {
  try {
    return reportRows(item);
  } catch (thrown) {
    return refusedWith(messageOf(thrown));
  }
}

/** Returns the words with which the database refuses every report; `null` if it accepts one, or the words differ. */
function commonRefusal(items: readonly IngestItem[], results: readonly IngestResult[]): string | null {
  const messages = new Set(results.map((result) => (result.kind === 'refused' ? result.message : null)));
  const [message] = messages;
  if (messages.size !== 1 || message === null || message === undefined) return null;
  const clients = new Set(items.map(({ client }) => client)).size;
  return `the database refuses the reports of ${clients === 1 ? 'the client' : `all ${clients} clients`}: ${message}`;
}

/**
 * Tests whether the database accepts minimal reports of the program's own, and undoes them. If it does, the refused
 * reports are at fault, even if clients send the same fault.
 */
async function takesOwnReports(database: Database, shares: ClientShares): Promise<boolean> {
  const undone = new Error('undone');
  const own = reportNames.map((name) => reportRows(ownItem(name)));
  try {
    await database.write(async (session) => {
      await storeBatch(session, shares, own);
      throw undone;
    });
  } catch (thrown) {
    if (thrown === undone) return true;
    if (!isFaultOfValues(thrown)) throw thrown;
  }
  return false;
}

async function storeBatch(
  session: Session,
  shares: ClientShares,
  batch: readonly ReportRows[],
): Promise<readonly IngestResult[]> {
  const reportIds = batch.map(({ item }) => item.report.report_id);
  const owners = await ownersOf(session, ['stats', 'inventory_reports'], reportIds);
  const fresh: ReportRows[] = [];
  const results = batch.map((rows): IngestResult => {
    const { client, report } = rows.item;
    const owner = owners.get(report.report_id);
    if (owner === client) return { kind: 'duplicate' };
    if (owner !== undefined) return { kind: 'foreign', owner };
    owners.set(report.report_id, client);
    fresh.push(rows);
    return { kind: 'stored' };
  });
  const beyond = await shares(session, fresh);
  const taken = fresh.filter(({ item }) => !beyond.has(item.report.report_id));
  const items = taken.map(({ item }) => item);
  const isDaemon = ({ item }: ReportRows): boolean => item.report.name === 'Daemon report';
  const full = await storeStats(session, taken.filter(isDaemon));
  const inventories = items.filter(({ report }) => report.name === 'Inventory report');
  const states = items.filter(({ report }) => report.name === 'State report');
  const refused = new Map([
    ...beyond,
    ...(await storeInventory(session, inventories)),
    ...(await storeState(session, states)),
  ]);
  await touchClients(session, items);
  const dropped = new Map((await noteDropped(session, full)).map((one) => [one.client, one.dropped]));
  for (const [index, { item }] of batch.entries()) {
    const message = refused.get(item.report.report_id);
    const count = dropped.get(item.client);
    if (results[index]?.kind !== 'stored') continue;
    if (message !== undefined) results[index] = { kind: 'refused', message };
    else if (count !== undefined && dropped.delete(item.client))
      results[index] = { kind: 'stored', seriesDropped: count };
  }
  const doneWith = batch.filter(
    (_rows, index) => results[index]?.kind === 'stored' || results[index]?.kind === 'duplicate',
  );
  await removeSealed(
    session,
    doneWith.flatMap(({ item }) => item.sealedRow ?? []),
  );
  return results;
}

async function storeStats(session: Session, fresh: readonly ReportRows[]): Promise<readonly DroppedReadings[]> {
  const batch = await withEarlierResults(session, fresh);
  await insertRows(
    session,
    'stats',
    batch.map((one) => one.stats),
  );
  const reportIds = batch.map(({ item }) => item.report.report_id);
  const rows = await forChunks(reportIds, (chunk, marks) =>
    session.all(`SELECT id, report_id FROM stats WHERE report_id IN (${marks})`, chunk),
  );
  const ids = new Map(rows.map((row) => [String(row['report_id']), Number(row['id'])]));
  const idOf = ({ item }: ReportRows): number => ids.get(item.report.report_id) ?? Number.NaN;
  const whole = batch.map((one) => reportRow(one, idOf(one)));
  const disks = batch.flatMap((one) => diskStatsRows(one, idOf(one)));
  const networks = batch.flatMap((one) => networkStatsRows(one, idOf(one)));
  const checks = batch.flatMap((one) => checkStatsRows(one, idOf(one)));
  const logLines = batch.flatMap((one) => logLineRows(one, idOf(one)));
  await insertRows(session, 'reports', whole);
  await insertRows(session, 'disk_stats', disks);
  await storeDiskLevels(session, batch);
  await insertRows(session, 'network_stats', networks);
  await insertRows(session, 'check_stats', checks);
  await insertRows(session, 'log_lines', logLines);
  return storeSamples(
    session,
    batch.map((one) => ({
      client: one.item.client,
      statId: idOf(one),
      observedAt: one.observedAt,
      readings: one.readings,
    })),
  );
}

async function touchClients(session: Session, items: readonly IngestItem[]): Promise<void> {
  const byClient = groupBy(items, ({ client }) => client);
  // All writers lock clients in the order of their names, which prevents deadlocks.
  const names = [...byClient.keys()].sort();
  const rows = names.map((name) => {
    const own = byClient.get(name) ?? [];
    const newest = newestOf(own, 'Daemon report');
    const inventory = newestOf(own, 'Inventory report');
    return {
      name,
      first_seen: sqlTime(least(own.map(({ receivedAtMs }) => receivedAtMs))),
      last_report_at: newest === null ? null : sqlTime(newest.observedAtMs),
      boot_id: newest?.report.boot_id ?? null,
      inventory_at: inventory === null ? null : sqlTime(inventory.observedAtMs),
    };
  });
  await mergeRows(session, 'clients', ['name'], rows, latestOfClient);
}

function latestOfClient(incoming: (column: string) => string): readonly string[] {
  const newer = (column: string): string => `(clients.${column} IS NULL OR clients.${column} <= ${incoming(column)})`;
  const latest = (column: string): string =>
    `${column} = CASE WHEN ${newer(column)} THEN ${incoming(column)} ELSE clients.${column} END`;
  return [
    // Before last_report_at: MySQL makes assignments one after the other and would compare with the new value.
    `boot_id = CASE WHEN ${newer('last_report_at')}
      THEN COALESCE(${incoming('boot_id')}, clients.boot_id) ELSE clients.boot_id END`,
    latest('last_report_at'),
    latest('inventory_at'),
  ];
}

function newestOf(items: readonly IngestItem[], name: IngestItem['report']['name']): IngestItem | null {
  const named = items.filter(({ report }) => report.name === name);
  return named.reduce<IngestItem | null>(
    (newest, item) => (newest === null || item.observedAtMs >= newest.observedAtMs ? item : newest),
    null,
  );
}
