import { type ColumnType, ownColumnTypes, statsFigures } from '../../report/metrics.ts';
import type { SqlValue } from './database.ts';
import type { Values } from './insert-rows.ts';

type IntegerType = Exclude<ColumnType, 'REAL'>;

/** The types of the integer columns that hold values from clients, the narrowest of any database. */
export const integerColumns: ReadonlyMap<string, IntegerType> = new Map(
  [
    ...Object.entries(statsFigures).map(([name, { type }]) => [name, type] as const),
    ...ownColumnTypes,
    ...([
      ['clock_offset_ms', 'BIGINT'],
      ['memory_bytes', 'BIGINT'],
      ['state', 'TINYINT'],
      ['refused', 'TINYINT'],
    ] as const),
  ].filter((column): column is readonly [string, IntegerType] => column[1] !== 'REAL'),
);

/** The largest value of each type. Beyond 2^53 a number could not be read back exactly. */
const largest = { TINYINT: 2 ** 7 - 1, INT: 2 ** 31 - 1, BIGINT: Number.MAX_SAFE_INTEGER } as const;

/** Returns a figure rounded for its integer column; null if the column cannot hold it. */
export function integerFor(column: string, value: number | null): number | null {
  const type = integerColumns.get(column);
  if (type === undefined) throw new Error(`${column} is no integer column`);
  if (value === null) return null;
  const integer = Math.round(value);
  return Math.abs(integer) <= largest[type] ? integer : null;
}

/** Returns the integer columns among columns. */
export function integersAmong(columns: readonly string[]): readonly string[] {
  return columns.filter((column) => integerColumns.has(column));
}

/** Returns a row in which the figures of integer columns fit. */
export function withIntegers(row: object, columns: readonly string[]): Values {
  const fitting: Record<string, SqlValue> = { ...row };
  for (const column of columns) {
    const value = fitting[column];
    fitting[column] = integerFor(column, typeof value === 'number' ? value : null);
  }
  return fitting;
}
