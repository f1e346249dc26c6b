/** The bounds of a check, and the parsing of its command. The agent and config.xml share both. */
import { checkFormats, isCheckName, type CheckFormat } from './checks.ts';

/** A check to run. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** The interval in seconds; null for each visit. */
  readonly everySeconds: number | null;
  readonly timeoutSeconds: number;
  readonly format: CheckFormat;
}

const defaultTimeoutSeconds = 10;
export const maxTimeoutSeconds = 30;
export const maxEverySeconds = 7 * 86_400;
export const maxCommandWords = 100;

/** Returns a check if its values are within the bounds; null if not. The values may be of any type. */
export function checkOf(given: {
  readonly name?: unknown;
  readonly command?: unknown;
  readonly every?: unknown;
  readonly timeout?: unknown;
  readonly format?: unknown;
}): Check | null {
  const { name, command, every = null, timeout = defaultTimeoutSeconds, format: wanted = 'nagios' } = given;
  const format = checkFormats.find((candidate) => candidate === wanted);
  if (typeof name !== 'string' || !isCheckName(name) || format === undefined) return null;
  if (!Array.isArray(command) || command.length === 0 || command.length > maxCommandWords) return null;
  if (!command.every((word): word is string => typeof word === 'string' && !/[^ -~\u0080-\uffff]/.test(word)))
    return null;
  const [program = ''] = command;
  // A program is an absolute path, or a name to search for.
  if (program === '' || (program.includes('/') && !program.startsWith('/'))) return null;
  const isWithin = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  if (!isWithin(timeout, maxTimeoutSeconds) || !(every === null || isWithin(every, maxEverySeconds))) return null;
  return { name, command, everySeconds: every, timeoutSeconds: timeout, format };
}

/**
 * Splits a line into words at blanks, with quotes and backslashes as in a shell. `needsShell` is true if a shell would
 * interpret the line differently. Returns null for an unclosed quote and for control characters.
 */
export function splitWords(line: string): { readonly words: string[]; readonly needsShell: boolean } | null {
  if (/[^\t -~\u0080-\uffff]/.test(line)) return null;
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  let needsShell = false;
  for (let at = 0; at < line.length; at++) {
    const sign = line.charAt(at);
    const next = line.charAt(at + 1);
    if (quote === '' && (sign === ' ' || sign === '\t')) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    word ??= '';
    if (sign === quote) quote = '';
    else if (quote === '' && (sign === "'" || sign === '"')) quote = sign;
    else if (sign === '\\' && quote !== "'" && (quote === '' || '"\\$`'.includes(next))) {
      if (next === '') return null;
      word += next;
      at++;
    } else {
      if ((quote === '' ? '|&;<>()$`*?[~#' : quote === '"' ? '$`' : '').includes(sign)) needsShell = true;
      word += sign;
    }
  }
  if (quote !== '') return null;
  if (word !== null) words.push(word);
  if (/^[A-Za-z_]\w*=/.test(words[0] ?? '')) needsShell = true;
  return { words, needsShell };
}
