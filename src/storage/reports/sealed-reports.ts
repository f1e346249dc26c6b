import { changeIds, forIds } from '../sql/by-ids.ts';
import { clipped } from '../rows/columns.ts';
import { numberOrNull, textOrNull } from '../store/record-shape.ts';
import type { Database, Session, SqlRow, SqlValue } from '../sql/database.ts';
import { storeHalving } from '../sql/store-each.ts';
import { forChunks, insertRows, placeholders, type Values } from '../sql/insert-rows.ts';
import { pruneNowMs } from '../sql/prune-guard.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { IngestResult } from '../store/storage.ts';
import {
  type KeyUse,
  type SealedChoice,
  type SealedClock,
  type SealedItem,
  type SealedPlace,
  sealedPlace,
  type SealedRow,
  type SealedStore,
  type SealedSummary,
  storedSummary,
} from '../store/sealed-store.ts';

/** The limit of a client's waiting reports: three times a month of full reports every five minutes. */
const clientBytes = 64 * 1024 * 1024;
const rowBytes = 1024;
/** The limit of a client for one run below which its waiting reports are not counted. */
const freeBytes = 64 * 1024;

/**
 * Implements ReportStore.saveSealed. Reads only the ids of stored reports, so that a collector that opens nothing needs
 * no right to read their content (docs/installation.md). `brought` counts each client's bytes of this run.
 */
export async function saveSealed(
  database: Database,
  items: readonly SealedItem[],
  brought: Map<string, number>,
): Promise<readonly IngestResult[]> {
  const save = (batch: readonly SealedItem[]): Promise<readonly IngestResult[]> =>
    database.write((session) => saveBatch(session, batch, brought));
  return storeHalving(items, save, refusedWith);
}

/** Returns the result of a report that the database refuses. */
export function refusedWith(message: string): Extract<IngestResult, { kind: 'refused' }> {
  return { kind: 'refused', message };
}

async function saveBatch(
  session: Session,
  items: readonly SealedItem[],
  brought: Map<string, number>,
): Promise<readonly IngestResult[]> {
  const reportIds = items.map(({ reportId }) => reportId);
  const owners = await ownersOf(session, ['stats', 'inventory_reports', 'sealed_reports'], reportIds);
  const fresh: SealedItem[] = [];
  for (const { client, sealed } of items) brought.set(client, (brought.get(client) ?? 0) + sealed.length);
  const clients = [...new Set(items.map(({ client }) => client))];
  const waits = await waitingBytes(
    session,
    clients.filter((client) => (brought.get(client) ?? 0) > freeBytes),
  );
  const results = items.map((item): IngestResult => {
    const owner = owners.get(item.reportId);
    if (owner === item.client) return { kind: 'duplicate' };
    if (owner !== undefined) return { kind: 'foreign', owner };
    const bytes = (waits.get(item.client) ?? 0) + item.sealed.length + rowBytes;
    if (bytes > clientBytes) return { kind: 'refused', message: `64 MiB of its client's reports wait to be opened` };
    waits.set(item.client, bytes);
    owners.set(item.reportId, item.client);
    fresh.push(item);
    return { kind: 'stored' };
  });
  await insertRows(session, 'sealed_reports', fresh.map(sealedRow));
  return results;
}

/** Returns the clients of stored reports, by the id of the report. */
export async function ownersOf(
  session: Session,
  tables: readonly ('stats' | 'inventory_reports' | 'sealed_reports')[],
  reportIds: readonly string[],
): Promise<Map<string, string>> {
  const owners = new Map<string, string>();
  for (const table of tables) {
    const rows = await forChunks([...new Set(reportIds)], (chunk, marks) =>
      session.all(`SELECT report_id, client FROM ${table} WHERE report_id IN (${marks})`, chunk),
    );
    for (const row of rows) owners.set(String(row['report_id']), String(row['client']));
  }
  return owners;
}

/** Returns the sealed bytes of each client that wait to be opened, with the overhead of the rows. */
async function waitingBytes(session: Session, clients: readonly string[]): Promise<Map<string, number>> {
  const rows = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT client, SUM(sealed_bytes + ${rowBytes}) AS bytes FROM sealed_reports
       WHERE client IN (${marks}) GROUP BY client`,
      chunk,
    ),
  );
  return new Map(rows.map((row) => [String(row['client']), Number(row['bytes'])]));
}

function sealedRow(item: SealedItem): Values {
  const { clock } = item;
  const bootId = clock?.bootId ?? null;
  return {
    report_id: item.reportId,
    client: item.client,
    key_id: item.keyId,
    run_id: item.runId,
    received_at: sqlTime(item.receivedAtMs),
    clock_offset_ms: clock === null ? null : safe(clock.offsetMs),
    monotonic_zero_ms: clock === null ? null : safe(clock.monotonicZeroMs),
    // The boot id comes from the client: text of another form compares with nothing.
    boot_id: bootId !== null && /^[\x20-\x7e]{1,64}$/.test(bootId) ? bootId : null,
    sealed_bytes: item.sealed.length,
    sealed: item.sealed,
  };
}

function safe(ms: number): number {
  return Math.round(Math.min(9e15, Math.max(-9e15, ms)));
}

/** Removes rows of `sealed_reports` in a transaction that has stored their content. */
export async function removeSealed(session: Session, ids: readonly number[]): Promise<void> {
  // All writers lock rows in this order.
  const ordered = [...ids].sort((a, b) => a - b);
  await forChunks(ordered, async (chunk, marks) => [
    await session.run(`DELETE FROM sealed_reports WHERE id IN (${marks})`, chunk),
  ]);
}

export function createSealedStore(database: Database): SealedStore {
  return {
    waiting: (choice, after, limit) => database.read((session) => waiting(session, choice, after, limit)),
    read: (ids) => database.read((session) => readRows(session, ids)),
    mark: async (ids, code, message) => {
      const sql = 'UPDATE sealed_reports SET code = ?, message = ?';
      const values = [code, clipped(message, 1000)];
      await database.write((session) =>
        changeIds('id', ids, (where, those) => session.run(`${sql} WHERE ${where}`, [...values, ...those])),
      );
    },
    remove: (ids) => database.write((session) => removeSealed(session, ids)),
    removeKeyless: (nowMs, keptMs) => removeKeyless(database, nowMs, keptMs),
    summary: () => database.read(sealedSummary),
    useOf: (keyId) => database.read((session) => useOf(session, keyId)),
  };
}

/** The rows of one transaction. */
const removedAtOnce = 200;

async function removeKeyless(database: Database, nowMs: number, keptMs: number): Promise<number> {
  const beforeMs = (await pruneNowMs(database, nowMs)) - keptMs;
  const sql = `SELECT id FROM sealed_reports WHERE code IS NOT NULL AND received_at < ? ORDER BY id LIMIT ?`;
  for (let removed = 0; ;) {
    const rows = await database.read((session) => session.all(sql, [sqlTime(beforeMs), String(removedAtOnce)]));
    if (rows.length === 0) return removed;
    const ids = rows.map((row) => Number(row['id']));
    await database.write((session) => removeSealed(session, ids));
    removed += ids.length;
  }
}

async function waiting(
  session: Session,
  choice: SealedChoice,
  after: SealedPlace | null,
  limit: number,
): Promise<readonly SealedPlace[]> {
  if (choice !== 'unseen' && choice.keyIds.length === 0) return [];
  const chosen =
    choice === 'unseen' ? 'code IS NULL' : `code IS NOT NULL AND key_id IN (${placeholders(choice.keyIds.length)})`;
  const values: SqlValue[] = choice === 'unseen' ? [] : [...choice.keyIds];
  const beyond = after === null ? '' : ' AND received_at >= ? AND (received_at > ? OR id > ?)';
  if (after !== null) values.push(sqlTime(after.receivedAtMs), sqlTime(after.receivedAtMs), after.id);
  const sql = `SELECT id, received_at, sealed_bytes AS size_bytes FROM sealed_reports WHERE ${chosen}${beyond}
    ORDER BY received_at, id LIMIT ?`;
  return (await session.all(sql, [...values, String(limit)])).map(sealedPlace.read);
}

async function readRows(session: Session, ids: readonly number[]): Promise<readonly SealedRow[]> {
  const rows = await forIds('id', ids, (where, values) =>
    session.all(
      `SELECT id, report_id, client, key_id, received_at, clock_offset_ms, monotonic_zero_ms, boot_id, sealed
       FROM sealed_reports WHERE ${where}`,
      values,
    ),
  );
  const byId = new Map(rows.map((row) => [Number(row['id']), row]));
  return ids.flatMap((id) => {
    const row = byId.get(id);
    return row === undefined ? [] : [storedSealed(row)];
  });
}

/** Converts a row as it was read. Any program may have written it: values of another form count as unknown. */
export function storedSealed(row: SqlRow): SealedRow {
  const sealed = row['sealed'];
  return {
    id: Number(row['id']),
    client: String(row['client']),
    reportId: String(row['report_id']),
    keyId: String(row['key_id']),
    receivedAtMs: fromSqlTime(row['received_at']) ?? 0,
    clock: clockOf(row),
    sealed: sealed instanceof Uint8Array ? sealed : new Uint8Array(0),
  };
}

function clockOf(row: SqlRow): SealedClock | null {
  const offsetMs = numberOrNull(row['clock_offset_ms']);
  const monotonicZeroMs = numberOrNull(row['monotonic_zero_ms']);
  if (offsetMs === null || monotonicZeroMs === null) return null;
  return { offsetMs, monotonicZeroMs, bootId: textOrNull(row['boot_id']) };
}

/** Implements SealedStore.summary. */
export async function sealedSummary(session: Session): Promise<readonly SealedSummary[]> {
  const sql = `SELECT key_id, code, COUNT(*) AS reports, COUNT(DISTINCT client) AS clients, MIN(stored_at) AS since
    FROM sealed_reports GROUP BY key_id, code ORDER BY key_id, code IS NOT NULL, code`;
  return (await session.all(sql)).map(storedSummary.read);
}

async function useOf(session: Session, keyId: string): Promise<KeyUse> {
  const [count] = await session.all('SELECT COUNT(*) AS waiting FROM sealed_reports WHERE key_id = ?', [keyId]);
  const clients = await session.all('SELECT name, sealed_to FROM clients WHERE reader IS NOT NULL');
  return {
    waiting: Number(count?.['waiting']),
    clients: new Map(clients.map((row) => [String(row['name']), textOrNull(row['sealed_to'])?.split(' ') ?? null])),
  };
}
