/** The bounds of a check, and the words of its command. The agent and config.xml have the same. */
import { checkFormats, isCheckName, type CheckFormat } from './checks.ts';

/** A check as it is to run. */
export interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** null: at each visit. */
  readonly everySeconds: number | null;
  readonly timeoutSeconds: number;
  readonly format: CheckFormat;
}

export const defaultTimeoutSeconds = 10;
export const maxTimeoutSeconds = 30;
export const maxEverySeconds = 7 * 86_400;
export const maxCommandWords = 100;

/** Returns a check within its bounds, or null. The values may be anything. */
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
  // The path is absolute, or a name that is looked for.
  if (program === '' || (program.includes('/') && !program.startsWith('/'))) return null;
  const isWithin = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  if (!isWithin(timeout, maxTimeoutSeconds) || !(every === null || isWithin(every, maxEverySeconds))) return null;
  return { name, command, everySeconds: every, timeoutSeconds: timeout, format };
}

/**
 * Splits a line into words at blanks, with quotes and backslashes as a shell has them. `needsShell` is true if a shell
 * would make something else of it. Returns null for a quote without its end and for control characters.
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
