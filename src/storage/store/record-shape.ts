import type { Severity } from '../../config/config.ts';
import { jsonValue } from '../../platform/parse-json.ts';
import { fromSqlTime } from '../sql/sql-time.ts';

/** Reads a text column. */
export function text(value: unknown): string {
  return String(value);
}

/** Reads a column of severities. */
export function severity(value: unknown): Severity {
  return value as Severity;
}

/** Reads a text column. Returns null for NULL. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Reads a numeric column. */
export function number(value: unknown): number {
  return Number(value);
}

/** Reads a numeric column. Returns null for NULL. */
export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Reads a time column. */
export function time(value: unknown): number {
  return fromSqlTime(value) ?? 0;
}

/** Reads a time column. Returns null for NULL. */
export const timeOrNull = fromSqlTime;

/** Reads a column of days: the beginning of the day, UTC. */
export function day(value: unknown): number {
  return Date.parse(String(value));
}

/** Reads a column of 0 and 1. */
export function flag(value: unknown): boolean {
  return value === 1;
}

/** Reads a column of JSON that the program wrote. Returns null for NULL, and for text that is no JSON. */
export function json(value: unknown): unknown {
  return typeof value === 'string' ? (jsonValue(value) ?? null) : null;
}

/**
 * The reader of a column. If only the program writes the column, the type of the values that it writes can be named:
 * `text as Column<Program>`.
 */
export type Column<Value> = (value: unknown) => Value;

const timeReaders: ReadonlySet<unknown> = new Set([time, timeOrNull, day]);

/** The fields of a record, each with the reader of its column. */
type Fields = Readonly<Record<string, Column<unknown>>>;

type Values<Of extends Fields> = { readonly [Name in keyof Of]: ReturnType<Of[Name]> };

export interface RecordShape<Value> {
  /** The names of the columns, separated by commas. */
  readonly columns: string;
  readonly read: (row: Readonly<Record<string, unknown>>) => Value;
}

/** The record that a shape reads. */
export type RecordOf<Shape extends RecordShape<unknown>> = ReturnType<Shape['read']>;

/**
 * Describes a record by the columns that it is read from: `cpuModel` from `cpu_model`, and a time `observedAtMs` from
 * `observed_at`.
 */
export function recordShape<const Of extends Fields>(fields: Of): RecordShape<Values<Of>> {
  const parts = Object.entries(fields).map(([name, read]) => {
    const word = timeReaders.has(read) ? name.replace(/Ms$/, '') : name;
    return { name, column: word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), read };
  });
  return {
    columns: parts.map(({ column }) => column).join(', '),
    read: (row) => {
      const record: Record<string, unknown> = {};
      for (const { name, column, read } of parts) record[name] = read(row[column]);
      return record as Values<Of>;
    },
  };
}
