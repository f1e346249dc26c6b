import { readFileSync, statSync } from 'node:fs';

import { array, type GenericSchema, type InferOutput, object, unknown } from 'valibot';

import { errnoOf, FleetError, messageOf } from '../platform/errors/errors.ts';
import { entriesOf, parseJson } from '../platform/parse-json.ts';
import { writeDurably } from './durable-file.ts';

/**
 * Reads the list `name` of a JSON file; empty if there is no file. Leaves out entries of another form than the schema.
 * Throws FleetError `state-unusable`.
 */
export function readKeptList<const Entry extends GenericSchema>(
  file: string,
  name: string,
  entry: Entry,
): readonly InferOutput<Entry>[] {
  try {
    const lists = parseJson(object({ [name]: array(unknown()) }), readFileSync(file));
    // The file may hold secrets, which a message of the parser would quote.
    if (lists === null) throw new Error(`it has no list "${name}"`);
    return entriesOf(entry, lists[name] ?? []);
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
