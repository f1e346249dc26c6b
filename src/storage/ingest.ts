import { FleetError, messageOf } from '../errors.ts';
import type { Database, Session } from './database.ts';
import type { Dialect } from './dialect.ts';
import { StorageFault } from './fault.ts';
import { forChunks, insertRows } from './insert-rows.ts';
import { storeInventory } from './inventory.ts';
import { diskStatsRows, diskTarget, networkStatsRows, networkTarget } from './report-rows.ts';
import { reportRow, reportTarget, statsRow, statsTarget } from './report-rows.ts';
import { groupBy } from './group-by.ts';
import { sqlTime } from './sql-time.ts';
import type { IngestItem, IngestResult } from './storage.ts';

/** So many clients that are all refused with the same words point to the database, not to their reports. */
const suspiciousClients = 4;

/** See ReportStore.ingest. */
export async function ingest(database: Database, items: readonly IngestItem[]): Promise<readonly IngestResult[]> {
  const maxBytes = await database.maxBatchBytes();
  const refusals = items.map(refusalOf);
  const storable = items.filter((_, index) => refusals[index] === null);
  const stored = await storeHalving(database, storable, maxBytes);
  let next = 0;
  // Every item without a refusal has its result in `stored`, in the same order.
  const results = refusals.map((refusal) => refusal ?? (stored[next++] as IngestResult));
  throwWhenAllRefused(items, results);
  return results;
}

// Whatever cannot be made a row would otherwise throw in the middle of a batch.
function refusalOf(item: IngestItem): IngestResult | null {
  try {
    statsRow(item);
    return null;
  } catch (thrown) {
    return { kind: 'refused', message: messageOf(thrown) };
  }
}

async function storeHalving(
  database: Database,
  items: readonly IngestItem[],
  maxBytes: number,
): Promise<readonly IngestResult[]> {
  if (items.length === 0) return [];
  try {
    return await database.write((session) => storeBatch(session, database.dialect, items, maxBytes));
  } catch (thrown) {
    if (!(thrown instanceof StorageFault) || (thrown.kind !== 'refused' && thrown.kind !== 'duplicate')) throw thrown;
    if (items.length === 1) return [{ kind: 'refused', message: thrown.message }];
  }
  const middle = Math.ceil(items.length / 2);
  const first = await storeHalving(database, items.slice(0, middle), maxBytes);
  return [...first, ...(await storeHalving(database, items.slice(middle), maxBytes))];
}

function throwWhenAllRefused(items: readonly IngestItem[], results: readonly IngestResult[]): void {
  const messages = new Set(results.map((result) => (result.kind === 'refused' ? result.message : null)));
  const [message] = messages;
  if (messages.size !== 1 || message === null || message === undefined) return;
  const clients = new Set(items.map(({ client }) => client)).size;
  if (clients < suspiciousClients) return;
  throw new FleetError({
    code: 'storage-failed',
    stage: 'storage',
    message: `the database refuses the reports of all ${clients} clients: ${message}`,
  });
}

async function storeBatch(
  session: Session,
  dialect: Dialect,
  items: readonly IngestItem[],
  maxBytes: number,
): Promise<readonly IngestResult[]> {
  const owners = await ownersOf(session, items);
  const fresh: IngestItem[] = [];
  const results = items.map((item): IngestResult => {
    const owner = owners.get(item.report.report_id);
    if (owner === item.client) return { kind: 'duplicate' };
    if (owner !== undefined) return { kind: 'foreign', owner };
    owners.set(item.report.report_id, item.client);
    fresh.push(item);
    return { kind: 'stored' };
  });
  const daemon = fresh.filter(({ report }) => report.name === 'Daemon report');
  const inventory = fresh.filter(({ report }) => report.name === 'Inventory report');
  await storeStats(session, daemon, maxBytes);
  await storeInventory(session, inventory, maxBytes);
  await touchClients(session, dialect, fresh, maxBytes);
  return results;
}

async function ownersOf(session: Session, items: readonly IngestItem[]): Promise<Map<string, string>> {
  const ids = [...new Set(items.map(({ report }) => report.report_id))];
  const owners = new Map<string, string>();
  for (const table of ['stats', 'inventory_reports']) {
    const rows = await forChunks(ids, (chunk, marks) =>
      session.all(`SELECT report_id, client FROM ${table} WHERE report_id IN (${marks})`, chunk),
    );
    for (const row of rows) owners.set(String(row['report_id']), String(row['client']));
  }
  return owners;
}

async function storeStats(session: Session, items: readonly IngestItem[], maxBytes: number): Promise<void> {
  await insertRows(session, statsTarget, items.map(statsRow), maxBytes);
  const rows = await forChunks(items, (chunk, marks) =>
    session.all(
      `SELECT id, report_id FROM stats WHERE report_id IN (${marks})`,
      chunk.map(({ report }) => report.report_id),
    ),
  );
  const ids = new Map(rows.map((row) => [String(row['report_id']), Number(row['id'])]));
  const withIds = items.map((item) => ({ item, id: ids.get(item.report.report_id) ?? Number.NaN }));
  await insertRows(
    session,
    reportTarget,
    withIds.map(({ item, id }) => reportRow(item, id)),
    maxBytes,
  );
  await insertRows(
    session,
    diskTarget,
    withIds.flatMap(({ item, id }) => diskStatsRows(item, id)),
    maxBytes,
  );
  await insertRows(
    session,
    networkTarget,
    withIds.flatMap(({ item, id }) => networkStatsRows(item, id)),
    maxBytes,
  );
}

const touchColumns = ['name', 'first_seen', 'last_report_at', 'boot_id', 'inventory_at'] as const;

async function touchClients(
  session: Session,
  dialect: Dialect,
  items: readonly IngestItem[],
  maxBytes: number,
): Promise<void> {
  const byClient = groupBy(items, ({ client }) => client);
  // All writers lock clients in the order of their names, so that none waits for another in a circle.
  const names = [...byClient.keys()].sort();
  const rows = names.map((name) => {
    const own = byClient.get(name) ?? [];
    const newest = newestOf(own, 'Daemon report');
    const inventory = newestOf(own, 'Inventory report');
    return {
      name,
      first_seen: sqlTime(Math.min(...own.map(({ receivedAtMs }) => receivedAtMs))),
      last_report_at: newest === null ? null : sqlTime(newest.observedAtMs),
      boot_id: newest?.report.boot_id ?? null,
      inventory_at: inventory === null ? null : sqlTime(inventory.observedAtMs),
    };
  });
  await insertRows(session, { table: 'clients', columns: touchColumns, suffix: touchSuffix(dialect) }, rows, maxBytes);
}

function touchSuffix(dialect: Dialect): string {
  const newer = (column: string): string =>
    `(clients.${column} IS NULL OR clients.${column} <= ${dialect.incoming(column)})`;
  const latest = (column: string): string =>
    `${column} = CASE WHEN ${newer(column)} THEN ${dialect.incoming(column)} ELSE clients.${column} END`;
  return dialect.onConflict('name', [
    // Before last_report_at: MySQL makes assignments one after the other and would compare with the new one.
    `boot_id = CASE WHEN ${newer('last_report_at')}
      THEN COALESCE(${dialect.incoming('boot_id')}, clients.boot_id) ELSE clients.boot_id END`,
    latest('last_report_at'),
    latest('inventory_at'),
  ]);
}

function newestOf(items: readonly IngestItem[], name: IngestItem['report']['name']): IngestItem | null {
  const named = items.filter(({ report }) => report.name === name);
  return named.reduce<IngestItem | null>(
    (newest, item) => (newest === null || item.observedAtMs >= newest.observedAtMs ? item : newest),
    null,
  );
}
