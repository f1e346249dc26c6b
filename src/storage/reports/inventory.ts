import { dayMs } from '../../platform/units.ts';
import { createHash } from 'node:crypto';

import { maxReportBytes } from '../../report/limits.ts';
import type { Report, Row } from '../../report/report.ts';
import { integerFor } from '../sql/column-types.ts';
import { forChunks, insertRows } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { IngestItem } from '../store/storage.ts';
import type { Session, SqlValue } from '../sql/database.ts';

/** The rows of an inventory report by family. */
type Facts = Readonly<Record<string, readonly Row[]>>;

/** The families of the agent's inventory. Others are omitted, because a client could invent any number of names. */
export const inventoryFamilies: ReadonlySet<string> = new Set([
  'system',
  'virtual_machine',
  'os_release',
  'cpu_model',
  'memory_module',
  'disk_device',
  'network_card',
  'user',
]);

/** The most rows that one client may add within a day, and the number of newest rows of the day that are kept. */
const rowsPerDay = 12;
const keptRows = 50;

/** The family and field that fill each column. */
const sources = {
  manufacturer: ['system', 'manufacturer'],
  model: ['system', 'model'],
  serial: ['system', 'serial'],
  hostname: ['os_release', 'hostname'],
  os: ['os_release', 'distribution'],
  os_version: ['os_release', 'release'],
  kernel: ['os_release', 'kernel'],
  architecture: ['os_release', 'architecture'],
  virtualisation: ['virtual_machine', 'virtualisation'],
  cpu_model: ['cpu_model', 'model'],
  cpus: ['cpu_model', 'threads'],
  memory_bytes: ['system', 'memory_bytes'],
} as const;
type FactColumn = keyof typeof sources;

const factColumns = Object.keys(sources) as readonly FactColumn[];
const numericColumns = ['cpus', 'memory_bytes'] as const satisfies readonly FactColumn[];

// Merged facts are read up to the size of a report: no larger facts are ever stored.
const previousSql = `SELECT facts_digest, CASE WHEN LENGTH(facts) <= ${maxReportBytes} THEN facts END AS facts
  FROM inventory WHERE client = ? AND observed_at <= ? ORDER BY observed_at DESC, id DESC LIMIT 1`;
const countSql = 'SELECT COUNT(*) AS count FROM inventory WHERE client = ? AND observed_at > ? AND observed_at <= ?';
const excessSql = `SELECT id FROM inventory WHERE client = ? ORDER BY observed_at DESC, id DESC
  LIMIT 1000 OFFSET ${keptRows}`;

/**
 * Stores a row for each report that differs from the report before it in time, and every report's id. Returns the ids
 * of the refused reports, with the reason: their client has changed too often that day.
 */
export async function storeInventory(
  session: Session,
  items: readonly IngestItem[],
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const inTime = [...items].sort((a, b) => a.observedAtMs - b.observedAtMs);
  for (const { client, report, observedAtMs } of inTime) {
    const observed_at = sqlTime(observedAtMs);
    const [previous] = await session.all(previousSql, [client, observed_at]);
    const facts = mergedFacts(report, previous?.['facts']);
    const facts_digest = digestOf(facts);
    if (previous?.['facts_digest'] !== facts_digest) {
      const [day] = await session.all(countSql, [client, sqlTime(observedAtMs - dayMs), observed_at]);
      if (Number(day?.['count']) >= rowsPerDay) {
        refused.set(report.report_id, `its inventory has changed ${rowsPerDay} times within a day already`);
        continue;
      }
      const row = { client, observed_at, report_id: report.report_id, facts_digest, ...typedFacts(facts) };
      await insertRows(session, 'inventory', [{ ...row, facts: JSON.stringify(facts) }]);
      await removeExcess(session, client);
    }
    await insertRows(session, 'inventory_reports', [{ report_id: report.report_id, client, observed_at }]);
  }
  return refused;
}

async function removeExcess(session: Session, client: string): Promise<void> {
  const rows = await session.all(excessSql, [client]);
  const ids = rows.map((row) => row['id'] ?? null);
  await forChunks(ids, async (chunk, marks) => [
    await session.run(`DELETE FROM inventory WHERE id IN (${marks})`, chunk),
  ]);
}

/** Keeps the previous facts of probes that failed, unless the result would be too large. */
function mergedFacts(report: Report, previous: SqlValue | undefined): Facts {
  const own = knownFacts(report.worker_reports.flatMap(({ function_reports: parts }) => parts));
  const isPartial = report.worker_reports.some(({ error }) => error !== null);
  if (!isPartial || typeof previous !== 'string') return own;
  const before = Object.entries(JSON.parse(previous) as Facts).map(([name, data]) => ({ name, data }));
  const merged = { ...knownFacts(before), ...own };
  return Buffer.byteLength(JSON.stringify(merged)) <= maxReportBytes ? merged : own;
}

function knownFacts(families: readonly { readonly name: string; readonly data: readonly Row[] }[]): Facts {
  const known = families.filter(({ name }) => inventoryFamilies.has(name));
  return Object.fromEntries(known.map(({ name, data }) => [name, data]));
}

function typedFacts(facts: Facts): Record<FactColumn, SqlValue> {
  const values = factColumns.map((column) => [column, factOf(facts, column)]);
  return Object.fromEntries(values) as Record<FactColumn, SqlValue>;
}

function factOf(facts: Facts, column: FactColumn): SqlValue {
  const [family, field] = sources[column];
  const value = facts[family]?.[0]?.[field];
  const numeric = numericColumns.find((one) => one === column);
  if (numeric !== undefined) return integerFor(numeric, typeof value === 'number' ? value : null);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Returns the SHA-256 (hex) of facts. The order of families, fields and subjects does not change it. */
function digestOf(facts: Facts): string {
  const families = Object.entries(facts).map(([name, rows]) => [name, rows.map(canonicalRow).sort()] as const);
  families.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(families)).digest('hex');
}

function canonicalRow(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
