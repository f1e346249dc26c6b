import { createHash } from 'node:crypto';

import type { Report, Row } from '../report/report.ts';
import type { Session, SqlValue } from './database.ts';
import { insertRows } from './insert-rows.ts';
import { sqlTime } from './sql-time.ts';
import type { IngestItem } from './storage.ts';

/** Rows by family: what an inventory report says of a machine. */
type Facts = Readonly<Record<string, readonly Row[]>>;

/** Which field of which family fills a column. */
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
const numericColumns: ReadonlySet<FactColumn> = new Set(['cpus', 'memory_bytes']);

const inventoryTarget = {
  table: 'inventory',
  columns: ['client', 'observed_at', 'report_id', 'facts_digest', ...factColumns, 'facts'],
} as const;
const knownTarget = { table: 'inventory_reports', columns: ['report_id', 'client', 'observed_at'] } as const;

const previousSql = `SELECT facts_digest, facts FROM inventory WHERE client = ? AND observed_at <= ?
  ORDER BY observed_at DESC, id DESC LIMIT 1`;

/** Stores what changed: a row for each report that differs from the one before it in time, and every report's id. */
export async function storeInventory(session: Session, items: readonly IngestItem[], maxBytes: number): Promise<void> {
  const inTime = [...items].sort((a, b) => a.observedAtMs - b.observedAtMs);
  for (const { client, report, observedAtMs } of inTime) {
    const observed_at = sqlTime(observedAtMs);
    const [previous] = await session.all(previousSql, [client, observed_at]);
    const facts = { ...factsToKeep(report, previous?.['facts']), ...factsOf(report) };
    const facts_digest = digestOf(facts);
    if (previous?.['facts_digest'] !== facts_digest) {
      const row = { client, observed_at, report_id: report.report_id, facts_digest, ...typedFacts(facts) };
      await insertRows(session, inventoryTarget, [{ ...row, facts: JSON.stringify(facts) }], maxBytes);
    }
    await insertRows(session, knownTarget, [{ report_id: report.report_id, client, observed_at }], maxBytes);
  }
}

// What a probe that failed could not say has not changed by that.
function factsToKeep(report: Report, previous: SqlValue | undefined): Facts {
  const isPartial = report.worker_reports.some(({ error }) => error !== null);
  return isPartial && typeof previous === 'string' ? (JSON.parse(previous) as Facts) : {};
}

function factsOf(report: Report): Facts {
  const families = report.worker_reports.flatMap(({ function_reports: reports }) => reports);
  return Object.fromEntries(families.map(({ name, data }) => [name, data]));
}

function typedFacts(facts: Facts): Record<FactColumn, SqlValue> {
  return Object.fromEntries(factColumns.map((column) => [column, factOf(facts, column)])) as Record<
    FactColumn,
    SqlValue
  >;
}

function factOf(facts: Facts, column: FactColumn): SqlValue {
  const [family, field] = sources[column];
  const value = facts[family]?.[0]?.[field];
  if (!numericColumns.has(column)) return typeof value === 'string' && value !== '' ? value : null;
  return typeof value === 'number' && Number.isSafeInteger(Math.round(value)) ? Math.round(value) : null;
}

/** SHA-256 (hex) that neither the order of families and fields nor that of subjects changes. */
function digestOf(facts: Facts): string {
  const families = Object.entries(facts).map(([name, rows]) => [name, rows.map(canonicalRow).sort()] as const);
  families.sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(families)).digest('hex');
}

function canonicalRow(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
