/**
 * Checks of values from JSON.parse. Each function returns the value or throws a ReportFault that names its path. Rows,
 * the only part with free keys, are checked in parse-report.ts.
 */
import { maxClientBytes, maxNameChars } from './limits.ts';
import { ReportFault } from './report.ts';
import { isStorableText } from './outside-values.ts';

export type Json = Readonly<Record<string, unknown>>;

/**
 * The position of an object or list in a report. Its JSON path is formatted only for a fault: paths and closures of
 * good reports were a tenth of the allocations of storing them.
 */
export interface Place {
  /** The enclosing place; null for the report itself. */
  readonly within: Place | null;
  readonly key: string | number;
}

export const reportPlace: Place = { within: null, key: '$' };

function pathOf({ within, key }: Place): string {
  if (within === null) return String(key);
  return typeof key === 'number' ? `${pathOf(within)}[${key}]` : `${pathOf(within)}.${key}`;
}

/** Returns a fault of the value at a place. */
export function faultAt(place: Place, what: string): ReportFault {
  return new ReportFault('report-invalid', pathOf(place), what);
}

/** Returns a fault of a value inside the object or list at a place. */
export function fault(within: Place, key: string | number, what: string): ReportFault {
  return faultAt({ within, key }, what);
}

export function objectOf(value: unknown, place: Place): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw faultAt(place, 'not an object');
}

export function listOf(value: unknown, place: Place, maxLength: number): readonly unknown[] {
  if (!Array.isArray(value)) throw faultAt(place, 'not a list');
  if (value.length > maxLength) throw faultAt(place, `${value.length} entries, allowed are ${maxLength}`);
  return value;
}

/** Checks a text: well-formed Unicode without U+0000. */
export function checkedText(value: unknown, within: Place, key: string, maxChars: number): string {
  if (typeof value !== 'string') throw fault(within, key, 'not a text');
  if (value.length > maxChars) throw fault(within, key, `${value.length} chars, allowed are ${maxChars}`);
  if (!isStorableText(value)) throw fault(within, key, 'a lone surrogate or U+0000');
  return value;
}

/** Checks the name of a probe, a family or a field. */
export function nameOf(value: unknown, within: Place, key: string): string {
  const name = checkedText(value, within, key, maxNameChars);
  if (!isName(name)) throw fault(within, key, 'not a name of lower-case letters, digits and _');
  return name;
}

export function isName(text: string): boolean {
  return text.length <= maxNameChars && /^[a-z][a-z0-9_]*$/.test(text);
}

/** Checks a finite number that is not negative. */
export function amountOf(value: unknown, within: Place, key: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw fault(within, key, 'not a number of at least 0');
}

export function countOf(value: unknown, within: Place, key: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw fault(within, key, 'not a whole number of at least 0');
}

/** Checks a time: ISO 8601 in UTC with milliseconds, in the years that a DATETIME column can hold. */
export function datetimeOf(value: unknown, within: Place, key: string): string {
  if (typeof value === 'string' && /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) {
    const time = new Date(value);
    // Date converts 30 February to 2 March.
    if (!Number.isNaN(time.getTime()) && time.toISOString() === value) return value;
  }
  throw fault(within, key, 'not a time like 2026-11-20T10:00:00.123Z');
}

export function uuidOf(value: unknown, within: Place, key: string): string {
  if (typeof value === 'string' && uuid.test(value)) return value;
  throw fault(within, key, 'not a UUID in lower case');
}
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function clientOf(value: unknown, within: Place, key: string): string {
  const client = checkedText(value, within, key, maxClientBytes);
  const sizeBytes = Buffer.byteLength(client);
  if (sizeBytes === 0 || sizeBytes > maxClientBytes) {
    throw fault(within, key, `${sizeBytes} bytes, allowed are 1 to ${maxClientBytes}`);
  }
  return client;
}
