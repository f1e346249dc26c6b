/**
 * Names of clients and groups for a shell, which asks at each Tab and whose user waits: config.xml is scanned for its
 * elements and not checked, and little else of the program is loaded. A config.xml with patterns of includes is the
 * whole program's.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { findConfig } from '../../config/find-config.ts';
import { parseRanged } from '../../config/values/ranges.ts';
import { attributeValue } from '../../config/xml/well-formed.ts';

/** Includes within each other. One that includes itself is the whole program's to refuse. */
const mostNested = 8;
/** The most files, with all that config.xml includes. */
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
 * Prints the names that `[-c FILE] complete clients|groups` asks for, a line each. Returns false and prints nothing for
 * another command line, and where only the whole program knows the names or what is wrong.
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
    // The shell reads no more.
  });
  process.stdout.write(namesByLine(names[kind]));
  return true;
}

/** Returns each name once, a line each. Leaves out a name with a line break, which would look like two. */
export function namesByLine(names: readonly string[]): string {
  return [...new Set(names)]
    .filter((name) => !/\p{Cc}/u.test(name))
    .map((name) => `${name}\n`)
    .join('');
}

/** Adds the names in a file, the last of `files`, which include each other. Returns false if that takes more. */
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
    // A pattern, or a path in somebody's home.
    if (element === 'include' && /[*?[\]{}!~]/.test(included)) return false;
    if (element === 'include' && !scan([...files, path.resolve(path.dirname(file), included)], names)) return false;
  }
  return true;
}

/** Returns null for a client whose name follows from more than one attribute. */
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

/** Returns the text without its comments; null for what the whole program has words for. */
function textOf(file: string, read: Names['read']): string | null {
  const facts = statSync(file);
  read.files += 1;
  read.bytes += facts.size;
  if (!facts.isFile() || read.files > mostFiles || read.bytes > mostBytes) return null;
  const text = withoutComments(readFileSync(file, 'utf8'));
  // A processing instruction or CDATA, in which an element is none.
  return text === null || /[^\ufeff]<\?|<!\[/.test(text) ? null : text;
}

/** Returns null if a comment does not end. */
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
