import { createHash } from 'node:crypto';

import { insertRows } from '../sql/insert-rows.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { StorageFault } from '../sql/fault.ts';
import type { Table } from '../sql/tables.ts';
import { compareKeys, isOrderedAlike, keyOfRow, neutralRow, type RowKey, rowsAfter } from './table-rows.ts';

export interface TableCopy {
  readonly source: Database;
  readonly target: Database;
  readonly table: Table;
  /** The number of rows that are read at once. Default: by the texts of the table. */
  readonly pageRows?: number;
  /** The time when the copy began, in the form of the time columns. */
  readonly startedAt: string;
  /** True if rows that conflict with rows of another page may wait for the next pass. */
  readonly mayWait: boolean;
  /** Changes the target in one transaction. */
  readonly write: (work: (session: Session) => Promise<void>) => Promise<void>;
  /** Called before rows of the target are removed or replaced. Throws if these rows may belong to the target alone. */
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
 * Makes the target's table equal to the source's, page by page. Only reads a page that is equal already, so that a copy
 * that was ended resumes where it ended. A pass without changes has compared every row. Throws StorageFault.
 */
export async function copyTable(copy: TableCopy): Promise<CopiedRows> {
  const { source, target } = copy;
  const digest = createHash('sha256');
  // Rows that the databases have in different places. They are compared after the last page, all in one order.
  const odd: { readonly wanted: OddRows; readonly present: OddRows } = { wanted: new Map(), present: new Map() };
  let rows = 0;
  let changed = 0;
  const take = async (wanted: readonly KeyedRow[], present: readonly KeyedRow[]): Promise<void> => {
    for (const { text } of present) digest.update(`${text}\n`);
    changed += await makeEqual(copy, wanted, present);
    rows += wanted.length;
    await copy.onPage(wanted.length);
  };
  let after: RowKey | null = null;
  do {
    const [wanted, there]: readonly [Page, Page] = await Promise.all([
      pageAfter(source, copy, after, odd.wanted),
      pageAfter(target, copy, after, odd.present),
    ]);
    after = earlier(wanted.end, there.end);
    await take(within(wanted.rows, after), within(there.rows, after));
  } while (after !== null);
  if (odd.wanted.size + odd.present.size > 0) await take(sorted(odd.wanted), sorted(odd.present));
  return { rows, digest: digest.digest('hex'), changed };
}

interface KeyedRow {
  readonly key: RowKey;
  readonly text: string;
  readonly row: SqlRow;
}

/** The rows that one side lacks so far, by their keys. */
type OddRows = Map<string, KeyedRow>;

const nameOf = ({ key }: KeyedRow): string => JSON.stringify(key);
const sorted = (odd: OddRows): readonly KeyedRow[] =>
  [...odd.values()].sort((one, other) => compareKeys(one.key, other.key));

interface Page {
  /** The rows that both databases order alike. */
  readonly rows: readonly KeyedRow[];
  /** The key of the last of these; null if no row follows. */
  readonly end: RowKey | null;
}

/** The rows of a page. Pages of long texts may take megabytes. */
const rowsOf = { short: 2000, long: 200, longest: 20 } as const;

/** Reads the next page. Puts its odd rows aside, some of them more than once. */
async function pageAfter(
  database: Database,
  { table, pageRows = rowsOf[table.texts ?? 'short'], startedAt }: TableCopy,
  after: RowKey | null,
  odd: OddRows,
): Promise<Page> {
  for (let limit = pageRows; ; limit *= 2) {
    const read = await database.read((session) => rowsAfter(session, table, after, limit));
    const end = read.length < limit ? null : read.map((row) => keyOfRow(table, row)).findLast(isOrderedAlike);
    // A page of odd rows alone has no end that both databases order alike.
    if (end === undefined) continue;
    const rows = read
      .filter((row) => !isTurnedAway(row, startedAt))
      .map((row) => ({ key: keyOfRow(table, row), text: neutralRow(table, row), row }));
    for (const row of rows) if (!isOrderedAlike(row.key)) odd.set(nameOf(row), row);
    return { rows: rows.filter(({ key }) => isOrderedAlike(key)), end };
  }
}

/** True if a run found the lock of this copy taken. Cron starts such runs for as long as the copy lasts. */
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
  { table, mayWait, write, onRemoval }: TableCopy,
  wanted: readonly KeyedRow[],
  present: readonly KeyedRow[],
): Promise<number> {
  const texts = new Map(wanted.map((row) => [nameOf(row), row.text]));
  const same = new Set(present.filter((row) => texts.get(nameOf(row)) === row.text).map(nameOf));
  const gone = present.filter((row) => !same.has(nameOf(row)));
  const added = wanted.filter((row) => !same.has(nameOf(row))).map(({ row }) => row);
  if (gone.length + added.length === 0) return 0;
  // A run is stored before its rows, so the program that stored these rows is known by now.
  if (gone.length > 0) await onRemoval();
  const where = table.key.map((column) => `${column} = ?`).join(' AND ');
  const remove = async (session: Session): Promise<void> => {
    for (const { key } of gone) await session.run(`DELETE FROM ${table.name} WHERE ${where}`, key);
  };
  try {
    await write(async (session) => {
      // Old rows are removed first: a new row may have a unique value of one of them.
      await remove(session);
      await insertRows(session, table.name, added);
    });
    return Math.max(gone.length, added.length);
  } catch (thrown) {
    if (!(thrown instanceof StorageFault)) throw thrown;
    if (thrown.kind === 'refused' || (thrown.kind === 'duplicate' && !mayWait)) {
      throw new StorageFault(thrown.kind, `${table.name}: ${thrown.message}`, thrown);
    }
    if (thrown.kind !== 'duplicate') throw thrown;
    // An old row of a later page has the unique value. The next pass does not find that row any more.
    await write(remove);
    return Math.max(gone.length, 1);
  }
}
