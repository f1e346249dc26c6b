import { createHash } from 'node:crypto';

import { append } from '../../platform/group-by.ts';
import type { Session, SqlRow, SqlValue } from '../sql/database.ts';
import type { Table } from '../sql/tables.ts';

/** A place in a table: the values of a row's key. */
export type RowKey = readonly SqlValue[];

/**
 * Returns the rows after a place, in the order of the key; from the first row if the place is null. Times are in
 * SQLite's form.
 */
export async function rowsAfter(
  session: Session,
  { name, key, times = [] }: Table,
  after: RowKey | null,
  limit: number,
): Promise<readonly SqlRow[]> {
  const select = async (where: string, values: RowKey, max: number): Promise<readonly SqlRow[]> => {
    const sql = `SELECT * FROM ${name} ${where} ORDER BY ${key.join(', ')} LIMIT ?`;
    return (await session.all(sql, [...values, String(max)])).map((row) => withMilliseconds(row, times));
  };
  if (after === null) return select('', [], limit);
  const rows: SqlRow[] = [];
  // A single condition over several columns does not use a range of the index, on one database or the other.
  for (let depth = key.length - 1; depth >= 0 && rows.length < limit; depth -= 1) {
    const equal = key.slice(0, depth).map((column) => `${column} = ? AND `);
    const where = `WHERE ${equal.join('')}${key[depth] ?? ''} > ?`;
    append(rows, await select(where, after.slice(0, depth + 1), limit - rows.length));
  }
  return rows;
}

const wholeSecondChars = 'YYYY-MM-DD HH:MM:SS'.length;

/** Adds the milliseconds of a whole second, which MySQL omits. */
function withMilliseconds(row: SqlRow, times: readonly string[]): SqlRow {
  const whole = times.filter((column) => String(row[column]).length === wholeSecondChars);
  return { ...row, ...Object.fromEntries(whole.map((column) => [column, `${String(row[column])}.000`])) };
}

export function keyOfRow({ key }: Table, row: SqlRow): RowKey {
  return key.map((column) => row[column] ?? null);
}

/** True if MariaDB orders the row as SQLite does. MariaDB compares texts as if spaces followed. */
export function isOrderedAlike(key: RowKey): boolean {
  return !key.some((value) => typeof value === 'string' && /\p{Cc}/u.test(value));
}

/** Compares two places as both databases order them: numbers by value, text by its UTF-8. */
export function compareKeys(one: RowKey, other: RowKey): number {
  for (const [index, value] of one.entries()) {
    const against = other[index] ?? null;
    if (value === against) continue;
    if (typeof value === 'number' && typeof against === 'number') return value - against;
    const order = Buffer.compare(Buffer.from(String(value)), Buffer.from(String(against)));
    if (order !== 0) return order;
  }
  return 0;
}

/** Returns a row as text that is equal if two databases hold the same values. */
export function neutralRow({ json = [] }: Table, row: SqlRow): string {
  const columns = Object.keys(row).sort();
  return JSON.stringify(
    columns.map((column) => {
      const value = row[column] ?? null;
      if (typeof value === 'number') return inDigits(value);
      if (value instanceof Uint8Array) return ['bytes', createHash('sha256').update(value).digest('hex')];
      if (typeof value !== 'string') return value;
      // Earlier versions stored U+0000 (storable-values.ts).
      return json.includes(column) ? ordered(JSON.parse(value)) : value.replaceAll('\0', '\ufffd');
    }),
  );
}

/** The significant digits by which figures are compared. */
const digits = 15;

/** Rounds a figure. The SQLite package of Node 20 writes a figure as a whole number if less than 2.3e-16 is missing. */
function inDigits(value: number): number {
  if (Number.isInteger(value)) return value;
  return Math.abs(value) < 10 ** -digits ? 0 : Number(value.toPrecision(digits));
}

/** Orders the members of objects by name, because MySQL stores JSON as values and reorders the members. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return { object: members.map(([name, member]) => [name, ordered(member)]) };
}
