import { isKnownOption } from './ssh-config-options.ts';

/** A parsed line of an ssh_config file. */
export interface SshConfigLine {
  /** The keyword in lower case. */
  readonly keyword: string;
  /** The keyword as written. */
  readonly written: string;
  /** The arguments, without quotes, escapes and a trailing comment. */
  readonly args: readonly string[];
  /** The text after the keyword, as written. */
  readonly rest: string;
}

function isKeyword(keyword: string): boolean {
  return ['host', 'match', 'include'].includes(keyword) || isKnownOption(keyword);
}

/**
 * Parses a line as OpenSSH's readconf.c does: a keyword, whitespace or one `=`, then words with quotes and escapes. A
 * word that begins with `#` starts a comment. Returns a sentence about the fault for a line that ssh rejects. Returns
 * null for an empty line or a comment.
 */
export function parseSshConfigLine(text: string): SshConfigLine | string | null {
  // In ssh a line ends at a NUL.
  const line = text
    .replace(/\0.*$/s, '')
    .replace(/[ \t\r\n\f]+$/, '')
    .replace(/^[ \t\r]+/, '');
  if (line === '' || line.startsWith('#')) return null;
  const quoted = /^"([^"]*)"/.exec(line);
  const written = quoted?.[1] ?? /^[^ \t\r"=]*/.exec(line)?.[0] ?? '';
  const after = line.slice(quoted?.[0].length ?? written.length);
  // Only behind a keyword without quotes may a `=` stand.
  const separator = quoted === null ? /^[ \t\r]*(?:=[ \t\r]*)?/ : /^[ \t\r]*/;
  const rest = after.replace(separator, '');
  if (written === '') return 'there is no keyword';
  const keyword = written.toLowerCase();
  // The line may be one of a private key: nothing is quoted but a keyword that ssh knows.
  if (rest === '') return `${isKeyword(keyword) ? written : 'the line'} has no argument`;
  const args = splitArguments(rest);
  return args === null ? 'a quote is not closed' : { keyword, written, args, rest };
}

/** Splits a text into words as OpenSSH's argv_split does. Returns null if a quote is not closed. */
export function splitArguments(text: string): readonly string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at += 1;
    if (at >= text.length || text[at] === '#') return words;
    let word = '';
    let quote = '';
    for (; at < text.length; at += 1) {
      const character = text[at] ?? '';
      const next = text[at + 1] ?? '';
      if (quote === '' && (character === ' ' || character === '\t')) break;
      const escapes = next === '"' || next === "'" || next === '\\' || (quote === '' && next === ' ');
      if (character === '\\' && escapes) {
        word += next;
        at += 1;
      } else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else if (character === quote) quote = '';
      else word += character;
    }
    if (quote !== '') return null;
    words.push(word);
  }
}
