import { readFileSync, statSync } from 'node:fs';

import { errnoOf, FleetError, messageOf } from '../errors.ts';
import { writeDurably } from './durable-file.ts';

/** Reads the list `name` of a JSON file; empty if there is no file. Throws FleetError `state-unusable`. */
export function readKeptList<T>(file: string, name: string, isWhole: (entry: T) => boolean): readonly T[] {
  try {
    const lists = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, readonly T[]>>;
    const list = lists[name];
    if (list === undefined) throw new Error(`it has no "${name}"`);
    return list.filter(isWhole);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    const message = `${file} cannot be read: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'state-unusable', stage: 'run', message, cause: thrown });
  }
}

/** Replaces the list, 0600. Throws the errors of fs. */
export function writeKeptList(file: string, name: string, list: readonly unknown[]): void {
  writeDurably({ file, content: `${JSON.stringify({ [name]: list }, null, 2)}\n`, mode: 0o600 });
}

/** Returns a function that reads a file if it has changed, and otherwise returns the last value. */
export function whenChanged<T>(file: string, read: () => T): () => T {
  let known: { readonly state: string; readonly value: T } | null = null;
  return () => {
    const facts = statSync(file, { throwIfNoEntry: false });
    const state = facts === undefined ? '' : `${facts.ino} ${facts.mtimeMs} ${facts.size}`;
    if (known?.state !== state) known = { state, value: read() };
    return known.value;
  };
}
