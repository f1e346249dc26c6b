/** One line of an ssh_config file, taken apart. */
export interface SshConfigLine {
  /** In lower case. */
  readonly keyword: string;
  /** As it is written. */
  readonly written: string;
  /** Quotes, escapes and a comment at the end taken away. */
  readonly args: readonly string[];
  /** What follows the keyword, as it is written. */
  readonly rest: string;
}

/**
 * Takes a line apart as OpenSSH's readconf.c does: a keyword, whitespace or one `=`, words with quotes, escapes and a
 * comment that begins with a word. null for an empty line or a comment; a sentence for what ssh refuses.
 */
export function parseSshConfigLine(text: string): SshConfigLine | string | null {
  const line = text.replace(/[ \t\r\n\f]+$/, '').replace(/^[ \t\r]+/, '');
  if (line === '' || line.startsWith('#')) return null;
  const quoted = /^"([^"]*)"/.exec(line);
  const written = quoted?.[1] ?? /^[^ \t\r"=]*/.exec(line)?.[0] ?? '';
  const after = line.slice(quoted?.[0].length ?? written.length);
  const rest = /^[ \t\r]*(?:=[ \t\r]*)?(.*)$/s.exec(after)?.[1] ?? '';
  if (written === '') return 'there is no keyword';
  if (rest === '') return `${written} has no argument`;
  const args = splitArguments(rest);
  return args === null ? 'a quote is not closed' : { keyword: written.toLowerCase(), written, args, rest };
}

/** Words as OpenSSH's argv_split separates them; null when a quote is not closed. */
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
