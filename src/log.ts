/**
 * The log for cron and syslog: a `key=value` line for each event. Events go to stdout, problems to stderr. Quiet prints
 * nothing but what prevented the run.
 */

export type LogLevel = 'quiet' | 'normal' | 'verbose';

/** A field whose value is undefined is left out; null is written as `-`. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  /** Something of interest only when looking closer: printed when verbose. */
  detail(event: string, fields?: LogFields): void;
  /** Something that happened as it should. */
  event(event: string, fields?: LogFields): void;
  /** A fault that did not prevent the run: a client that failed, a report in quarantine. */
  problem(event: string, fields?: LogFields): void;
  /** A fault that prevented the run: printed at every level. */
  fatal(event: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Receives whole lines, line break included. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly now: () => number;
}

/** A log that writes lines `time=... event=... key=value ...`. */
export function createLog(options: LogOptions): Log {
  const line = (event: string, fields: LogFields = {}): string =>
    `${formatFields({ time: new Date(options.now()).toISOString(), event, ...fields })}\n`;
  const quiet = options.level === 'quiet';
  return {
    detail: (event, fields) => {
      if (options.level === 'verbose') options.out(line(event, fields));
    },
    event: (event, fields) => {
      if (!quiet) options.out(line(event, fields));
    },
    problem: (event, fields) => {
      if (!quiet) options.err(line(event, fields));
    },
    fatal: (event, fields) => options.err(line(event, fields)),
  };
}

/** Fields as `key=value`, in their order, on one line; values with anything unusual in them are quoted. */
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
  // A bare `-` means unknown, so a text that is only that is quoted.
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
 * Text from outside, made harmless for a terminal and a log: backslashes, control and format characters (bidirectional
 * overrides among them), line separators and lone surrogates are written as escapes.
 */
export function escapeControls(text: string): string {
  return text.replace(
    /[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => shortEscapes.get(character) ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * JSON that is harmless for a terminal: what JSON lets stand of the characters above is written as its own escapes, so
 * that it means the same.
 */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
