/**
 * Checks of values from outside. First the bounds of times, texts and the depth of JSON; then checks of values from
 * JSON.parse, which return the value or throw a ReportFault that names its path. Rows, the only part with free keys,
 * are checked in parse-report.ts.
 */
import { maxClientBytes, maxNameChars } from './limits.ts';
import { ReportFault } from './report.ts';

/** The bounds of a time from outside: time columns of each database hold it, and so do sums with any setting. */
const earliestMs = Date.UTC(1000, 0, 1);
const latestMs = Date.UTC(3000, 0, 1);

/**
 * Moves a time from outside into the years 1000 to 3000, as whole milliseconds since 1970. Every time passes this
 * function that a push, a site, a file or an answer contains. Returns null for a value that is no number.
 */
export function boundedTime(value: number): number;
export function boundedTime(value: unknown): number | null;
export function boundedTime(value: unknown): number | null {
  if (typeof value !== 'number') return null;
  return Number.isNaN(value) ? earliestMs : Math.round(Math.min(latestMs, Math.max(earliestMs, value)));
}

const surrogate = /[\ud800-\udfff]/;
const half = /\p{Cs}/u;

/**
 * True if every database returns the text as it was stored. In place of U+0000 and of half a character U+FFFD is
 * stored, so that two names could become one.
 */
export function isStorableText(text: string): boolean {
  // Most texts have no surrogates, and without the `u` flag that is known a thousand times sooner.
  return !text.includes('\0') && !(surrogate.test(text) && half.test(text));
}

// ASCII. Without a call the agent's bundle can leave out what it does not use.
const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/**
 * True if objects and lists in JSON are nested deeper than allowed. Called before JSON.parse, so that no deep object is
 * ever built: JSON.stringify and every other recursion over it would exceed the stack.
 */
export function isDeeper(json: Uint8Array, most: number): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) inText = !inText;
    else if (inText) at += byte === backslash ? 1 : 0;
    else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) depth--;
    if (depth > most) return true;
  }
  return false;
}

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
