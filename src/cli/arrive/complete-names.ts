/**
 * Names of clients and groups for a shell, which asks at each Tab and whose user waits: config.xml is scanned for its
 * elements and not checked, and nothing else of the program is loaded.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { findConfig } from '../../config/find-config.ts';
import { parseRanged } from '../../config/values/ranges.ts';
import { attributeValue } from '../../config/xml/well-formed.ts';

/** Includes within each other. One that includes itself is the whole program's to refuse. */
const mostNested = 8;
const mostBytes = 16 * 1024 * 1024;
/** A comment, or the beginning of an element with its attributes. */
const tag = /<!--[^]*?-->|<(client|group|include)((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/g;
const attribute = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

interface Names {
  readonly clients: string[];
  readonly groups: string[];
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
  const names: Names = { clients: [], groups: [] };
  if (!scan([path.resolve(findConfig(file))], names) || names[kind].length === 0) return false;
  process.stdout.on('error', () => {
    // The shell reads no more.
  });
  process.stdout.write(namesByLine(names[kind]));
  return true;
}

/** Returns each name once, a line each. Leaves out a name with a line break, which could not be told from two. */
export function namesByLine(names: readonly string[]): string {
  return [...new Set(names)]
    .filter((name) => !/\p{Cc}/u.test(name))
    .map((name) => `${name}\n`)
    .join('');
}

/** Adds the names in a file, the last of `files`, which include each other. Returns false if that takes more. */
function scan(files: readonly string[], names: Names): boolean {
  const file = files.at(-1) ?? '';
  const text = files.length > mostNested ? null : textOf(file);
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

/** Returns null for what the whole program has words for. */
function textOf(file: string): string | null {
  try {
    const facts = statSync(file);
    return facts.isFile() && facts.size <= mostBytes ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  }
}
