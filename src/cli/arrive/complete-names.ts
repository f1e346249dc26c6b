/**
 * The names of clients and groups for a shell. The shell asks at each Tab while its user waits. For speed, config.xml
 * is scanned for its elements and not checked, and little else of the program is loaded. A config.xml with patterns in
 * its includes is left to the whole program.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { findConfig } from '../../config/find-config.ts';
import { parseRanged } from '../../config/values/ranges.ts';
import { attributeValue } from '../../config/xml/well-formed.ts';

/** The deepest nesting of includes. The whole program refuses a file that includes itself. */
const mostNested = 8;
/** The largest number of files: config.xml and all its includes. */
const mostFiles = 1000;
const mostBytes = 16 * 1024 * 1024;
/** The beginning of an element with its attributes. */
const tag = /<(client|group|include)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/g;
const attribute = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

interface Names {
  readonly clients: string[];
  readonly groups: string[];
  /** The files and bytes read so far. */
  readonly read: { files: number; bytes: number };
}

/**
 * Prints the names that `[-c FILE] complete clients|groups` asks for, one per line. Returns false and prints nothing
 * for another command line, or if only the whole program can find the names or report the fault.
 */
export function printNames(args: readonly string[]): boolean {
  const [kind = '', command, ...before] = args.toReversed();
  const file = before.length === 2 && before[1] === '-c' ? before[0] : undefined;
  if (command !== 'complete' || (before.length > 0 && file === undefined)) return false;
  if (kind !== 'clients' && kind !== 'groups') return false;
  const names: Names = { clients: [], groups: [], read: { files: 0, bytes: 0 } };
  try {
    if (!scan([path.resolve(findConfig(file))], names) || names[kind].length === 0) return false;
  } catch {
    return false;
  }
  process.stdout.on('error', () => {
    // The shell has closed the pipe.
  });
  process.stdout.write(namesByLine(names[kind]));
  return true;
}

/** Returns each name once, one per line. Omits names with control characters: a line break would make two names. */
export function namesByLine(names: readonly string[]): string {
  return [...new Set(names)]
    .filter((name) => !/\p{Cc}/u.test(name))
    .map((name) => `${name}\n`)
    .join('');
}

/** Adds the names in the last of `files`, each of which includes the next. Returns false if a scan is not enough. */
function scan(files: readonly string[], names: Names): boolean {
  const file = files.at(-1) ?? '';
  const text = files.length > mostNested ? null : textOf(file, names.read);
  if (text === null) return false;
  for (const [, element = '', words = ''] of text.matchAll(tag)) {
    const { name, file: included = '', ...others } = attributesOf(words);
    if (element === 'group' && name !== undefined) names.groups.push(name);
    if (element === 'client') {
      const clients = clientNames(name, others);
      if (clients === null) return false;
      names.clients.push(...clients);
    }
    // The include is a pattern, or a path in a home folder.
    if (element === 'include' && /[*?[\]{}!~]/.test(included)) return false;
    if (element === 'include' && !scan([...files, path.resolve(path.dirname(file), included)], names)) return false;
  }
  return true;
}

/** Returns the names of a client element, or null if they follow from more than one attribute. */
function clientNames(name: string | undefined, others: Readonly<Record<string, string>>): readonly string[] | null {
  if (name === undefined) return null;
  const range = parseRanged(name);
  if (typeof range === 'string' || (!range.ranged && /\[/.test(Object.values(others).join()))) return null;
  return Array.from({ length: range.count }, (_, index) => range.at(index));
}

function attributesOf(words: string): Record<string, string> {
  const found = [...words.matchAll(attribute)];
  return Object.fromEntries(
    found.map(([, name = '', one, other]) => [name, attributeValue(one ?? other ?? '').trim()]),
  );
}

/** Returns the text without comments, or null if only the whole program can read it or report its fault. */
function textOf(file: string, read: Names['read']): string | null {
  const facts = statSync(file);
  read.files += 1;
  read.bytes += facts.size;
  if (!facts.isFile() || read.files > mostFiles || read.bytes > mostBytes) return null;
  const text = withoutComments(readFileSync(file, 'utf8'));
  // Text in a processing instruction or in CDATA may look like an element.
  return text === null || /[^\ufeff]<\?|<!\[/.test(text) ? null : text;
}

/** Removes the comments. Returns null if a comment does not end. */
function withoutComments(text: string): string | null {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const begins = text.indexOf('<!--', from);
    if (begins === -1) return [...kept, text.slice(from)].join('');
    kept.push(text.slice(from, begins));
    const ends = text.indexOf('-->', begins + 4);
    if (ends === -1) return null;
    from = ends + 3;
  }
}
