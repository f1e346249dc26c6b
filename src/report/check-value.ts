/**
 * Checks of what JSON.parse made, each giving back the value or throwing a ReportFault that names its path. `row`, the
 * only part whose keys are free, is in check-row.ts.
 */
import { maxClientBytes, maxNameChars } from './limits.ts';
import { ReportFault } from './report.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A JSON path, or how to write it down where that is only worth its time for a fault. */
export type Path = string | (() => string);

export function fault(path: Path, what: string): ReportFault {
  return new ReportFault('report-invalid', typeof path === 'string' ? path : path(), what);
}

export function objectOf(value: unknown, path: Path): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw fault(path, 'not an object');
}

export function listOf(value: unknown, path: Path, maxLength: number): readonly unknown[] {
  if (!Array.isArray(value)) throw fault(path, 'not a list');
  if (value.length > maxLength) throw fault(path, `${value.length} entries, allowed are ${maxLength}`);
  return value;
}

/** Well-formed Unicode without U+0000: databases refuse lone surrogates, some U+0000 too. */
export function textOf(value: unknown, path: Path, maxChars: number): string {
  if (typeof value !== 'string') throw fault(path, 'not a text');
  if (value.length > maxChars) throw fault(path, `${value.length} chars, allowed are ${maxChars}`);
  if (unfit.test(value)) throw fault(path, 'a lone surrogate or U+0000');
  return value;
}
const unfit = /[\0\p{Cs}]/u;

/** Of a probe, a family or a field. */
export function nameOf(value: unknown, path: Path): string {
  const name = textOf(value, path, maxNameChars);
  if (!isName(name)) throw fault(path, 'not a name of lower-case letters, digits and _');
  return name;
}

export function isName(text: string): boolean {
  return text.length <= maxNameChars && /^[a-z][a-z0-9_]*$/.test(text);
}

/** A finite number that is not negative. */
export function amountOf(value: unknown, path: Path): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw fault(path, 'not a number of at least 0');
}

export function countOf(value: unknown, path: Path): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw fault(path, 'not a whole number of at least 0');
}

/** ISO 8601 in UTC with milliseconds, in the years that a DATETIME column takes. */
export function datetimeOf(value: unknown, path: Path): string {
  if (typeof value === 'string' && /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) {
    const time = new Date(value);
    // Date takes 30 February for 2 March.
    if (!Number.isNaN(time.getTime()) && time.toISOString() === value) return value;
  }
  throw fault(path, 'not a time like 2026-11-20T10:00:00.123Z');
}

export function uuidOf(value: unknown, path: Path): string {
  if (typeof value === 'string' && uuid.test(value)) return value;
  throw fault(path, 'not a UUID in lower case');
}
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function clientOf(value: unknown, path: Path): string {
  const client = textOf(value, path, maxClientBytes);
  const sizeBytes = Buffer.byteLength(client);
  if (sizeBytes === 0 || sizeBytes > maxClientBytes) {
    throw fault(path, `${sizeBytes} bytes, allowed are 1 to ${maxClientBytes}`);
  }
  return client;
}

/** The key and its checked value, or nothing when the object has not got the key. */
export function optional<Key extends string, Value>(
  key: Key,
  json: Json,
  path: string,
  check: (value: unknown, path: string) => Value,
): Readonly<Partial<Record<Key, Value>>> {
  if (!Object.hasOwn(json, key)) return {} as Readonly<Partial<Record<Key, Value>>>;
  return { [key]: check(json[key], `${path}.${key}`) } as Record<Key, Value>;
}
