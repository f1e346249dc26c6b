import { createHash } from 'node:crypto';

import { insertRows } from '../sql/insert-rows.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import type { CopiedTable } from './copied-tables.ts';
import { compareKeys, keyOfRow, neutralRow, type RowKey, rowsAfter } from './table-rows.ts';

export interface TableCopy {
  readonly source: Database;
  readonly target: Database;
  readonly table: CopiedTable;
  /** The time when the copy began, as the time columns have it. */
  readonly startedAt: string;
  /** Changes the target in one transaction. */
  readonly write: (work: (session: Session) => Promise<void>) => Promise<void>;
  /** Called before rows of the target are removed or replaced. Throws if they may be of its own. */
  readonly onRemoval: () => Promise<void>;
  /** Called after each page with the number of its rows. Throws to end the copy. */
  readonly onPage: (rows: number) => Promise<void>;
}

/** The state of a table after a pass. */
export interface CopiedRows {
  readonly rows: number;
  /** SHA-256 (hex) over the target's rows in the order of the key, as they were before the pass changed them. */
  readonly digest: string;
  /** The number of rows that were inserted, replaced or removed. */
  readonly changed: number;
}

/**
 * Makes the target's table equal to the source's, page by page. A page that is equal is only read: a copy that was
 * ended goes on where it ended, and a pass that changes nothing has compared every row. Throws StorageFault.
 */
export async function copyTable(copy: TableCopy): Promise<CopiedRows> {
  const { source, target } = copy;
  const digest = createHash('sha256');
  let rows = 0;
  let changed = 0;
  let after: RowKey | null = null;
  for (;;) {
    const [wanted, there] = await Promise.all([pageAfter(source, copy, after), pageAfter(target, copy, after)]);
    const end = earlier(wanted.end, there.end);
    const kept = within(wanted.rows, end);
    const present = within(there.rows, end);
    for (const { text } of present) digest.update(`${text}\n`);
    changed += await makeEqual(copy, kept, present);
    rows += kept.length;
    await copy.onPage(kept.length);
    if (end === null) return { rows, digest: digest.digest('hex'), changed };
    after = end;
  }
}

interface KeyedRow {
  readonly key: RowKey;
  readonly text: string;
  readonly row: SqlRow;
}

interface Page {
  readonly rows: readonly KeyedRow[];
  /** The key of its last row; null if no row follows. */
  readonly end: RowKey | null;
}

async function pageAfter(database: Database, { table, startedAt }: TableCopy, after: RowKey | null): Promise<Page> {
  const { pageRows } = table;
  const read = await database.read((session) => rowsAfter(session, table, after, pageRows));
  const last = read.at(-1);
  const rows = read
    .filter((row) => !isTurnedAway(row, startedAt))
    .map((row) => ({ key: keyOfRow(table, row), text: neutralRow(table, row), row }));
  return { rows, end: last === undefined || read.length < pageRows ? null : keyOfRow(table, last) };
}

/** True for a run that found the lock of this copy taken. Cron starts more of them for as long as the copy lasts. */
function isTurnedAway({ outcome, started_at: at }: SqlRow, startedAt: string): boolean {
  return outcome === 'overlapped' && String(at) >= startedAt;
}

function earlier(one: RowKey | null, other: RowKey | null): RowKey | null {
  if (one === null || other === null) return one ?? other;
  return compareKeys(one, other) <= 0 ? one : other;
}

function within(rows: readonly KeyedRow[], end: RowKey | null): readonly KeyedRow[] {
  return end === null ? rows : rows.filter(({ key }) => compareKeys(key, end) <= 0);
}

async function makeEqual(
  { table, write, onRemoval }: TableCopy,
  wanted: readonly KeyedRow[],
  present: readonly KeyedRow[],
): Promise<number> {
  const nameOf = ({ key }: KeyedRow): string => JSON.stringify(key);
  const texts = new Map(wanted.map((row) => [nameOf(row), row.text]));
  const same = new Set(present.filter((row) => texts.get(nameOf(row)) === row.text).map(nameOf));
  const gone = present.filter((row) => !same.has(nameOf(row)));
  const added = wanted.filter((row) => !same.has(nameOf(row)));
  if (gone.length + added.length === 0) return 0;
  // A run is stored before its rows: whoever has stored these is known by now.
  if (gone.length > 0) await onRemoval();
  const where = table.key.map((column) => `${column} = ?`).join(' AND ');
  await write(async (session) => {
    // Old rows first: a new one may have what must be unique from one of them.
    for (const { key } of gone) await session.run(`DELETE FROM ${table.name} WHERE ${where}`, key);
    await insertRows(
      session,
      table.name,
      added.map(({ row }) => row),
    );
  });
  return Math.max(gone.length, added.length);
}
