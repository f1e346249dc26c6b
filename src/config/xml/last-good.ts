/**
 * Keeps the last valid configuration in the state folder, so that a fault in config.xml does not end the monitoring.
 * config.xml itself names the state folder: a line in ~/.local/state records a folder other than the usual one.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

import { expandHome } from '../../platform/account.ts';
import { writeDurably, makeOwnFolder } from '../../state-folder/durable-file.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { checkStateFolder, tryStateFolder } from '../../state-folder/state-folder.ts';
import type { SourceFile } from './findings.ts';
import type { ConfigTree } from './include.ts';
import type { Element } from './parse-elements.ts';

/** The format of the kept file: a program reads only its own format. */
const format = 'fleet-health-config 1';

export interface LastGood {
  readonly tree: ConfigTree;
  readonly keptAtMs: number;
}

interface KeptElement {
  readonly name: string;
  /** The index in the sources. */
  readonly source: number;
  readonly line: number;
  readonly attributes: Record<string, string>;
  readonly children: readonly KeptElement[];
}

/**
 * Returns the state folder if config.xml names none: /var/lib/fleet-health for a file in /etc, else state/ beside the
 * file.
 */
export function usualStateFolder(file: string): string {
  return file.startsWith('/etc/') ? '/var/lib/fleet-health' : path.join(path.dirname(file), 'state');
}

/**
 * Keeps a valid configuration, once for each content of its files. `file` is absolute. Throws the errors of writing.
 */
export function keepLastGood(tree: ConfigTree, file: string, stateDir: string): void {
  const { root, sources, digest, includes } = tree;
  const { lastGood } = statePaths(stateDir);
  const kept = path.join(lastGood, nameOf(file));
  const head = `${format} ${digest} ${file}\n`;
  if (root === null || headOf(kept) === head) return;
  makeOwnFolder(lastGood);
  const places = new Map(sources.map((source, index) => [source, index]));
  const keep = ({ name, source, line, attributes, children }: Element): KeptElement => ({
    name,
    source: places.get(source) ?? 0,
    line,
    attributes,
    children: children.map(keep),
  });
  const content = `${head}${JSON.stringify({ includes, sources, root: keep(root) })}\n`;
  writeDurably({ file: kept, content, mode: 0o600 });
  const pointer = pointerOf(file);
  if (stateDir === usualStateFolder(file)) rmSync(pointer, { force: true });
  else writeDurably({ file: pointer, content: `${stateDir}\n`, mode: 0o600 });
}

/**
 * Returns the configuration that was kept for this file. Returns null if there is none, or if another account could
 * have written it.
 */
export function readLastGood(file: string): LastGood | null {
  for (const stateDir of [pointedTo(file), usualStateFolder(file)]) {
    if (stateDir === null) continue;
    const places = statePaths(stateDir);
    const kept = path.join(places.lastGood, nameOf(file));
    try {
      checkStateFolder(places);
      const { text, atMs } = readOurs(kept);
      const end = text.indexOf('\n') + 1;
      const [, digest = ''] = /^fleet-health-config 1 (\w+) /.exec(text) ?? [];
      if (text.slice(0, end) !== `${format} ${digest} ${file}\n`) continue;
      return { tree: treeOf(text.slice(end), digest), keptAtMs: atMs };
    } catch {
      // The kept file is unreadable or damaged. People are notified of the fault in config.xml itself.
    }
  }
  return null;
}

/**
 * Returns the state folder that a valid configuration in this file has used; null if there is none that this account
 * owns.
 */
export function usedStateFolder(file: string): string | null {
  for (const stateDir of [pointedTo(file), usualStateFolder(file)]) {
    if (stateDir === null) continue;
    const places = statePaths(stateDir);
    try {
      if (!existsSync(path.join(places.lastGood, nameOf(file)))) continue;
      tryStateFolder(places, []);
      return stateDir;
    } catch {
      // Another account owns the folder: the command itself reports that.
    }
  }
  return null;
}

function treeOf(text: string, digest: string): ConfigTree {
  const kept = JSON.parse(text) as {
    readonly includes: boolean;
    readonly sources: readonly SourceFile[];
    readonly root: KeptElement;
  };
  const elementOf = ({ name, source, line, attributes, children }: KeptElement): Element => {
    const from = kept.sources[source];
    if (from === undefined) throw new Error('an element of no source');
    return { name, source: from, line, attributes, children: children.map(elementOf), faulty: false };
  };
  return { root: elementOf(kept.root), sources: kept.sources, digest, includes: kept.includes };
}

function nameOf(file: string): string {
  return createHash('sha256').update(file).digest('hex').slice(0, 16);
}

function pointerOf(file: string): string {
  return path.join(expandHome('~/.local/state/fleet-health-config'), nameOf(file));
}

function pointedTo(file: string): string | null {
  try {
    const stateDir = readOurs(pointerOf(file)).text.trim();
    return path.isAbsolute(stateDir) ? stateDir : null;
  } catch {
    return null;
  }
}

/**
 * Reads a file that no other account could have written. Uses one descriptor, because the owner of a folder above could
 * exchange the file meanwhile. Throws for any other file.
 */
function readOurs(file: string): { readonly text: string; readonly atMs: number } {
  // Without the flag a named pipe would let a run wait for ever.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(descriptor);
    for (const { uid, mode } of [facts, statSync(path.dirname(file))]) {
      const isOurs = uid === process.geteuid?.() || uid === 0;
      if (!isOurs || (mode & 0o022) !== 0) throw new Error(`${file} could be another's`);
    }
    if (!facts.isFile()) throw new Error(`${file} is no file`);
    return { text: readFileSync(descriptor, 'utf8'), atMs: facts.mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Returns the first line of a file, with its line break; null if there is none or another account could have written
 * it.
 */
function headOf(file: string): string | null {
  try {
    const { text } = readOurs(file);
    return text.slice(0, text.indexOf('\n') + 1);
  } catch {
    return null;
  }
}
