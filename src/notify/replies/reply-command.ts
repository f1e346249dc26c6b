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
/** The most empty lines between these and the quotation. */
const maxGapLines = 2;

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

/** A line between paragraphs: a rule, or the armour of a signed text. */
const ruleLine = /^(?:[-_=*~\u2014\u2500]{3,}|-{3,} ?(?:BEGIN|END) PGP .*-{3,})$/;
/** A line of the header that mail programs put above a mail which they do not quote. */
const headerLine = /^\*?[\p{L}][^:：]{0,24}\*?[:：]\*?(?: |$)/u;
/** The least number of such lines in a row. */
const headerLines = 3;
/** The end of a line above a mail which is not quoted, in whatever language: its author or its date, and a colon. */
const authorLine = /(?:@|\b20\d\d\b).*[:：]$/;

/**
 * Returns the command of a reply: the first line that is not quoted, or a line that stands alone in its paragraph.
 * Paragraphs above it are passed over, because mail servers put warnings there, unless one of them has a command among
 * other words. Nothing counts below a signature, or below the beginning of an earlier mail that is not quoted: its
 * author did not write this reply. Returns the first own line if there is no command; null if there is none, or if it
 * is too long for a command.
 */
export function firstOwnLine(text: string): string | null {
  const lines = text.split(/\r\n|\r|\n/).map(plain);
  let first: string | null = null;
  let isBeginning = true;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (beginsEarlierMail(lines, at)) break;
    if (isBetween(line)) {
      isBeginning = true;
      continue;
    }
    const attribution = attributionLines(lines, at);
    if (parseReplyCommand(line) !== null) {
      if (first === null || (isBeginning && isEnd(lines, at + 1))) return line;
      break;
    }
    if (attribution > 0) {
      at += attribution - 1;
      isBeginning = true;
      continue;
    }
    first ??= line;
    if (line === '--' || authorLine.test(line) || isHeader(lines, at)) break;
    isBeginning = false;
  }
  return first === null || first.length > maxChars ? null : first;
}

/** True if no line of the same paragraph stands here. */
function isEnd(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  return isBetween(line) || beginsEarlierMail(lines, at) || attributionLines(lines, at) > 0;
}

/** True if a line is empty, a rule, or one of a quotation, for which Zimbra writes bars. */
function isBetween(line: string): boolean {
  return line === '' || /^[>|]/.test(line) || ruleLine.test(line);
}

/** A line with words between hyphens, as above an earlier mail and around warnings. */
const wordsInRule = /^-{2,} ?[^-].*[^-] ?-{2,}$/;

/**
 * True if an earlier mail begins here that is not quoted: below `>>> AUTHOR DATE >>>` of GroupWise, or below words
 * between hyphens that a header follows, in whatever language.
 */
function beginsEarlierMail(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  if (/^>{3} .+ >{3}$/.test(line)) return true;
  if (!wordsInRule.test(line) || ruleLine.test(line)) return false;
  const next = lines.slice(at + 1, at + 4).find((one) => one !== '') ?? '';
  return next.includes('@') || headerLine.test(next);
}

function isHeader(lines: readonly string[], at: number): boolean {
  return lines.slice(at, at + headerLines).filter((line) => headerLine.test(line)).length === headerLines;
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
    const next = lines.slice(from + count, from + count + maxGapLines + 1).find((one) => one !== '');
    return next?.startsWith('>') === true ? count : 0;
  }
  return 0;
}
