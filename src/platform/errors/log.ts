/** Text and fields from outside, made harmless for a terminal and a log of `key=value` lines. */

/** A field whose value is undefined is left out; null is written as `-`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** A log of events. */
export interface Log {
  /** Logs a detail on stdout, if verbose. */
  detail(event: string, fields: LogFields): void;
  /** Logs an event that is no fault on stdout, unless quiet. */
  event(event: string, fields: LogFields): void;
  /** Logs a fault that did not prevent the run, such as a client that failed, on stderr, unless quiet. */
  problem(event: string, fields: LogFields): void;
}

/** Formats fields as `key=value`, in their order, on one line. Quotes values with unusual characters. */
export function formatFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${formatKey(key)}=${formatValue(value ?? null)}`)
    .join(' ');
}

function formatKey(key: string): string {
  return key.replace(/[^A-Za-z0-9_.-]/g, '_') || '_';
}

function formatValue(value: string | number | boolean | null): string {
  if (value === null) return '-';
  if (typeof value !== 'string') return String(value);
  // A bare `-` means unknown, so a text that is only a hyphen is quoted.
  if (/^[A-Za-z0-9_.:/@%+,[\]-]+$/.test(value) && value !== '-') return value;
  return `"${escapeControls(value).replace(/"/g, '\\"')}"`;
}

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Makes text from outside harmless for a terminal and a log. Backslashes, control and format characters (bidirectional
 * overrides among them), line separators and lone surrogates are written as escapes.
 */
export function escapeControls(text: string): string {
  return text.replace(
    /[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => shortEscapes.get(character) ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * Renders a value as JSON that is harmless for a terminal. Characters as above that JSON allows are written as JSON's
 * own escapes, so that the meaning is the same.
 */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
