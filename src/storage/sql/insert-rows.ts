import type { Dialect } from './dialect.ts';
import { StorageFault } from './fault.ts';
import type { Session, SqlValue } from './session.ts';

/** A table and the columns that are filled, both constants of the program. */
export interface Target<Column extends string> {
  readonly table: string;
  readonly columns: readonly Column[];
  /** The text after VALUES: a dialect's onConflict. */
  readonly suffix?: string;
}

export type Values<Column extends string> = Readonly<Record<Column, SqlValue>>;

// Rows of one statement. Few sizes, so that each is prepared once and then reused.
const chunkSizes = [64, 16, 4, 1] as const;

/**
 * Inserts rows, many to a statement, none of which carries more than maxBytes unless a single row does. Throws
 * StorageFault `refused` for a row beyond four times that: the server would answer by closing the connection.
 */
export async function insertRows<Column extends string>(
  session: Session,
  target: Target<Column>,
  rows: readonly Values<Column>[],
  maxBytes: number,
): Promise<void> {
  for (let start = 0; start < rows.length;) {
    let size = sizeWithin(rows.length - start);
    let values = valuesOf(rows, start, size, target.columns);
    if (mostBytes(values) > maxBytes) {
      size = sizeWithin(countFitting(rows, start, target.columns, maxBytes));
      values = valuesOf(rows, start, size, target.columns);
    }
    await session.run(insertSql(target, size), values);
    start += size;
  }
}

function sizeWithin(count: number): number {
  return chunkSizes.find((candidate) => candidate <= count) ?? 1;
}

function valuesOf<Column extends string>(
  rows: readonly Values<Column>[],
  start: number,
  size: number,
  columns: readonly Column[],
): SqlValue[] {
  const values: SqlValue[] = [];
  for (const row of rows.slice(start, start + size)) {
    for (const column of columns) values.push(row[column]);
  }
  return values;
}

/** The suffix of an INSERT that replaces these columns of a row that has the key already. */
export function replacing(dialect: Dialect, key: string, columns: readonly string[]): string {
  return dialect.onConflict(
    key,
    columns.map((column) => `${column} = ${dialect.incoming(column)}`),
  );
}

/** `?, ?, ?` */
export function placeholders(count: number): string {
  return Array<string>(count).fill('?').join(', ');
}

/** Runs a query whose text ends in one list of values, as often as the list's length needs it. */
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

// The text for 64 rows of `stats` has 5 KB, and every batch needs it.
const insertTexts = new WeakMap<Target<string>, Map<number, string>>();

function insertSql<Column extends string>(target: Target<Column>, rows: number): string {
  const texts = insertTexts.get(target) ?? new Map<number, string>();
  insertTexts.set(target, texts);
  let text = texts.get(rows);
  if (text === undefined) {
    const row = `(${placeholders(target.columns.length)})`;
    const values = Array<string>(rows).fill(row).join(', ');
    text = `INSERT INTO ${target.table} (${target.columns.join(', ')}) VALUES ${values}${target.suffix ?? ''}`;
    texts.set(rows, text);
  }
  return text;
}

function countFitting<Column extends string>(
  rows: readonly Values<Column>[],
  start: number,
  columns: readonly Column[],
  maxBytes: number,
): number {
  let bytes = 0;
  let count = 0;
  for (const row of rows.slice(start, start + chunkSizes[0])) {
    for (const column of columns) bytes += sizeOf(row[column]);
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

/** No less than what countFitting counts; for nearly every statement that is enough, and a tenth of the time. */
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
