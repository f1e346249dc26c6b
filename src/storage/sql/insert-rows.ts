import { StorageFault } from './fault.ts';
import type { Session, SqlValue } from './database.ts';

/** A row to insert. Its keys are names of columns, constants of the program. */
export type Values<Column extends string = string> = Readonly<Record<Column, SqlValue>>;

// The numbers of rows of one statement. A few sizes, so that each statement is prepared once and then reused.
const chunkSizes = [64, 16, 4, 1] as const;

/**
 * Inserts rows with the columns of the first row, many to a statement. A statement carries at most the session's
 * maxBatchBytes, or one larger row. `suffix` is the text after VALUES, a dialect's onConflict. Throws StorageFault
 * `refused` for a row beyond four times maxBatchBytes, for which the server would close the connection.
 */
export async function insertRows(session: Session, table: string, rows: readonly Values[], suffix = ''): Promise<void> {
  const columns = columnsOf(rows);
  const row = `(${placeholders(columns.length)})`;
  for (let start = 0; start < rows.length;) {
    let size = sizeWithin(rows.length - start);
    let values = valuesOf(rows, start, size, columns);
    if (mostBytes(values) > session.maxBatchBytes) {
      size = sizeWithin(countFitting(rows, start, columns, session.maxBatchBytes));
      values = valuesOf(rows, start, size, columns);
    }
    const marks = Array<string>(size).fill(row).join(', ');
    await session.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marks}${suffix}`, values);
    start += size;
  }
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
  const assignments = replaced.map((column) => `${column} = ${session.dialect.incoming(column)}`);
  await insertRows(session, table, rows, session.dialect.onConflict(key.join(', '), assignments));
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
    results.push(...(await run(list.slice(start, start + size), placeholders(size))));
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
  throw new StorageFault('refused', `a row of ${bytes} bytes is beyond max_allowed_packet (${maxPacketBytes} bytes)`);
}

/**
 * Returns an upper bound of the bytes that countFitting counts. This suffices for nearly every statement, and takes a
 * tenth of the time.
 */
function mostBytes(values: readonly SqlValue[]): number {
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
