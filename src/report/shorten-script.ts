/** Shortens scripts that are kept in readable files, at build time and in tests. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Returns the lines of a script without comments, indentation and empty lines. */
export function linesOf(file: string, comment: '#' | '//'): readonly string[] {
  return readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith(comment));
}

/** Returns a shell script as one line, with the files that it includes by `. FILE`. */
export function shellScript(file: string): string {
  let text = '';
  for (const line of shellLines(file)) {
    const opens = /(?:[\s;](?:then|do|else)|\{)$/.test(text);
    const goesOn = text === '' || /(?:&&|\|\||[|(])$/.test(text);
    text += `${goesOn ? '' : opens ? ' ' : ';'}${shortened(line)}`;
  }
  return text;
}

function shellLines(file: string): readonly string[] {
  return linesOf(file, '#').flatMap((line) => {
    const [, included] = /^\. (\S+\.sh)$/.exec(line) ?? [];
    return included === undefined ? line : shellLines(path.join(path.dirname(file), included));
  });
}

/** Removes blanks around operators outside of double quotes, and after the patterns of `case`. */
function shortened(line: string): string {
  const operators = / *(&&|\|\||;;|;|\|) */g;
  return line
    .split(/("[^"]*")/)
    .map((part) => (part.startsWith('"') ? part : part.replace(operators, '$1').replace('() {', '(){')))
    .join('')
    .replace(/^case .*$/, (text) => text.replace(/(?<!")\) (?!in )/g, ')'));
}

/** Returns a program for `node -e` as one line. `quote` takes the place of its single quotes. */
export function nodeScript(file: string, quote: '"' | '`'): string {
  let text = '';
  for (const line of linesOf(file, '//')) text += /\w$/.test(text) && /^\w/.test(line) ? ` ${line}` : line;
  return text
    .split(/('[^']*')/)
    .map((part) => (part.startsWith("'") ? part : part.replace(/ *([=<>+|&{}()?:,;]+) */g, '$1').replaceAll(';}', '}')))
    .join('')
    .replaceAll("'", quote);
}
