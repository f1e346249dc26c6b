import { append } from '../../platform/group-by.ts';
import { StorageFault } from './fault.ts';
import type { Session, SqlValue } from './database.ts';

/** A row to insert. Its keys are names of columns, constants of the program. */
export type Values<Column extends string = string> = Readonly<Record<Column, SqlValue>>;

// The numbers of rows of one statement. A few sizes, so that each statement is prepared once and then reused.
const chunkSizes = [64, 16, 4, 1] as const;

/**
 * Inserts rows with the columns of the first row, many to a statement. A statement carries at most the session's
 * maxBatchBytes, or one larger row. Throws StorageFault `refused` for a row beyond four times maxBatchBytes, for which
 * the server would close the connection.
 */
export async function insertRows(session: Session, table: string, rows: readonly Values[]): Promise<void> {
  await insertWith(session, table, rows, '');
}

async function insertWith(session: Session, table: string, rows: readonly Values[], suffix: string): Promise<void> {
  const columns = columnsOf(rows);
  const row = `(${placeholders(columns.length)})`;
  for (let start = 0; start < rows.length;) {
    let size = sizeWithin(rows.length - start);
    let values = valuesOf(rows, start, size, columns);
    if (byteBound(values) > session.maxBatchBytes) {
      size = sizeWithin(countFitting(rows, start, columns, session.maxBatchBytes));
      values = valuesOf(rows, start, size, columns);
    }
    const marks = Array<string>(size).fill(row).join(', ');
    await session.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marks}${suffix}`, values);
    start += size;
  }
}

/**
 * Returns what changes the stored row of a key: `column = expression`, at least one. `incoming` returns the value of a
 * column in the new row; `table.column` is the stored value. MySQL makes assignments one after the other, so a column
 * that others are compared with comes last.
 */
export type Assignments = (incoming: (column: string) => string) => readonly string[];

/**
 * Inserts rows as insertRows does, and changes the stored row of the same key instead. No statement holds a key twice,
 * which not every database accepts: the n-th rows of all keys go together.
 */
export async function mergeRows(
  session: Session,
  table: string,
  key: readonly string[],
  rows: readonly Values[],
  assignments: Assignments,
): Promise<void> {
  const suffix = conflictOf(session, key, assignments);
  for (const some of withoutTwins(rows, key)) await insertWith(session, table, some, suffix);
}

export interface Selected {
  /** The columns of the table, in the order of the SELECT, which names them alike. */
  readonly columns: readonly string[];
  /** A SELECT of one row for a key. Values stand only in its outermost list, and in conditions. */
  readonly select: string;
  readonly values: readonly SqlValue[];
}

/** Inserts the rows of a SELECT, and changes the stored row of the same key instead. */
export async function mergeSelected(
  session: Session,
  table: string,
  key: readonly string[],
  { columns, select, values }: Selected,
  assignments: Assignments,
): Promise<void> {
  const suffix = conflictOf(session, key, assignments);
  const rows = session.dialect.selected(select);
  await session.run(`INSERT INTO ${table} (${columns.join(', ')}) ${rows}${suffix}`, values);
}

function conflictOf({ dialect }: Session, key: readonly string[], assignments: Assignments): string {
  return dialect.onConflict(
    key.join(', '),
    assignments((column) => dialect.incoming(column)),
  );
}

/** Returns the rows in lists without two rows of one key. The n-th list has the n-th row of each key. */
function withoutTwins(rows: readonly Values[], key: readonly string[]): readonly (readonly Values[])[] {
  if (rows.length < 2) return rows.length === 0 ? [] : [rows];
  const counts = new Map<string, number>();
  const lists: Values[][] = [];
  for (const row of rows) {
    const name = key.map((column) => row[column]).join('\0');
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    (lists[count] ??= []).push(row);
  }
  return lists;
}

/**
 * Inserts rows as insertRows does. A stored row of the same key takes these columns of the new row. Default: all but
 * the key.
 */
export async function replaceRows(
  session: Session,
  table: string,
  key: readonly string[],
  rows: readonly Values[],
  replaced: readonly string[] = columnsOf(rows).filter((column) => !key.includes(column)),
): Promise<void> {
  await mergeRows(session, table, key, rows, (incoming) => replaced.map((column) => `${column} = ${incoming(column)}`));
}

function columnsOf(rows: readonly Values[]): readonly string[] {
  const columns = Object.keys(rows[0] ?? {});
  const odd = columns.find((column) => !/^\w+$/.test(column));
  if (odd !== undefined) throw new TypeError(`no name of a column: ${odd}`);
  return columns;
}

function sizeWithin(count: number): number {
  return chunkSizes.find((candidate) => candidate <= count) ?? 1;
}

function valuesOf(rows: readonly Values[], start: number, size: number, columns: readonly string[]): SqlValue[] {
  const values: SqlValue[] = [];
  for (const row of rows.slice(start, start + size)) {
    for (const column of columns) values.push(row[column] ?? null);
  }
  return values;
}

/** Returns placeholders: `?, ?, ?`. */
export function placeholders(count: number): string {
  return Array<string>(count).fill('?').join(', ');
}

/** Runs a query whose text ends in one list of values, as often as the length of the list requires. */
export async function forChunks<T, R>(
  list: readonly T[],
  run: (chunk: readonly T[], marks: string) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let start = 0; start < list.length;) {
    const size = [256, ...chunkSizes].find((candidate) => candidate <= list.length - start) ?? 1;
    append(results, await run(list.slice(start, start + size), placeholders(size)));
    start += size;
  }
  return results;
}

function countFitting(rows: readonly Values[], start: number, columns: readonly string[], maxBytes: number): number {
  let bytes = 0;
  let count = 0;
  for (const row of rows.slice(start, start + chunkSizes[0])) {
    for (const column of columns) bytes += sizeOf(row[column] ?? null);
    if (bytes > maxBytes) {
      if (count === 0) refuseBeyond(4 * maxBytes, bytes);
      return Math.max(count, 1);
    }
    count += 1;
  }
  return count;
}

function refuseBeyond(maxPacketBytes: number, bytes: number): void {
  if (bytes < maxPacketBytes) return;
  throw new StorageFault(
    'refused',
    `a row of ${bytes} bytes is larger than the database takes (${maxPacketBytes} bytes)`,
  );
}

/**
 * Returns an upper bound of the bytes that countFitting counts. This suffices for nearly every statement, and takes a
 * tenth of the time.
 */
function byteBound(values: readonly SqlValue[]): number {
  let bytes = 9 * values.length;
  for (const value of values) {
    if (typeof value === 'string') bytes += 3 * value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}

function sizeOf(value: SqlValue): number {
  if (value instanceof Uint8Array) return 9 + value.length;
  return 9 + (typeof value === 'string' ? Buffer.byteLength(value) : 0);
}
