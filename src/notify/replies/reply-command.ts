import { dayMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';

/** The command of a reply. */
export interface ReplyCommand {
  readonly kind: 'ack' | 'silence';
  /** The duration from the arrival of the reply; null: until the alert ends. */
  readonly forMs: number | null;
}

const longestMs = 366 * dayMs;
/** The most characters of a command. */
const maxChars = 40;
/** The most lines above a quotation that name its author. */
const maxAttributionLines = 3;

/** Reads `ack`, `ack 4h` or `silence 1d`, in upper or lower case. Returns null for any other line, and a longer one. */
export function parseReplyCommand(line: string): ReplyCommand | null {
  if (line.length > maxChars) return null;
  const [, word, span] = /^(ack|silence)(?: +(\S+?))?[.!]?$/.exec(line.toLowerCase()) ?? [];
  if (word === undefined) return null;
  const kind = word as ReplyCommand['kind'];
  if (span === undefined) return kind === 'ack' ? { kind, forMs: null } : null;
  const forMs = parseDuration(span);
  return forMs === null || forMs <= 0 || forMs > longestMs ? null : { kind, forMs };
}

/**
 * Returns the first line that the reply's author wrote. Skips blank lines, lines quoted with `>`, and the lines above a
 * quotation that name its author; a command is never one of these. Returns null if there is none, or if it is too long
 * for a command.
 */
export function firstOwnLine(text: string): string | null {
  const lines = text.split(/\r\n|\r|\n/).map(plain);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line === '' || line.startsWith('>')) continue;
    if (parseReplyCommand(line) !== null) return line;
    const attribution = attributionLines(lines, at);
    if (attribution === 0) return line.length > maxChars ? null : line;
    at += attribution - 1;
  }
  return null;
}

/** Removes invisible characters, and replaces white space by single blanks. */
function plain(line: string): string {
  return line
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cf}\p{Cc}\u034f\ufe00-\ufe0f]/gu, '')
    .trim();
}

/**
 * Counts the lines from `from` that name the author of a quotation directly below, and end with a colon, which may be a
 * wide one; 0 if there are none.
 */
function attributionLines(lines: readonly string[], from: number): number {
  for (let count = 1; count <= maxAttributionLines; count += 1) {
    const line = lines[from + count - 1] ?? '';
    if (line === '' || line.startsWith('>') || parseReplyCommand(line) !== null) return 0;
    if (!/[:：]$/.test(line)) continue;
    const next = lines[from + count] === '' ? lines[from + count + 1] : lines[from + count];
    return next?.startsWith('>') === true ? count : 0;
  }
  return 0;
}
