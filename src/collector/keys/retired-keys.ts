import { lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';

import * as v from 'valibot';

import { parseJson } from '../../platform/parse-json.ts';
import { publicKeyToPem } from '../../report/seal/key-pair.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import type { KeyPaths, StoredPair } from './key-files.ts';
import { readPublicKeys } from './public-keys.ts';

/** Writes retired_keys/<id>.json, from which later reports to the key are explained. Throws errors of fs. */
export function rememberRetired(
  paths: KeyPaths,
  { id, createdAtMs, file, publicKey }: Omit<StoredPair, 'pair'> & { readonly publicKey: Uint8Array },
  nowMs: number,
): void {
  const facts = {
    key: id,
    made_at: new Date(createdAtMs).toISOString(),
    retired_at: new Date(nowMs).toISOString(),
    file: path.basename(file),
    public_key: publicKeyToPem(publicKey),
  };
  const content = `${JSON.stringify(facts, null, 1)}\n`;
  writeDurably({ file: recordOf(paths, id), content, mode: 0o600 });
}

/** The description of a key that reports are sealed to and that is not live here. */
export interface MissingKey {
  readonly clause: string;
  readonly advice: string;
}

/** Describes a key that reports are sealed to and that is not live here. */
export function describeMissingKey(paths: KeyPaths, id: string): MissingKey {
  const retired = readRetired(paths, id);
  if (retired !== null) {
    return {
      clause:
        `key ${id}, which was made at ${minute(retired.createdAtMs)} and retired here at ` +
        minute(retired.retiredAtMs),
      advice: `To open it put ${path.join(paths.keys, retired.name)} back from a backup.`,
    };
  }
  const known = publicOnes(paths).find((key) => key.id === id);
  if (known !== undefined) {
    return {
      clause: `key ${id}, whose private half is not in ${paths.keys}`,
      advice:
        `To open it put ${path.join(paths.keys, path.basename(known.file))} there, ` +
        'from where it was made or from a backup.',
    };
  }
  return {
    clause: `key ${id}, which is not live here`,
    advice:
      `To open it put that key's file into ${paths.keys}, from where it was made or from a backup. If the client's ` +
      'line in ' +
      'authorized_keys was made by `authorize` on another collector, it seals to that one: ' +
      'give this one an SSH key of its own.',
  };
}

/** The most bytes of a record. `rememberRetired` writes 400. */
const maxFileBytes = 16 * 1024;

/** A time in ISO 8601, as milliseconds since 1970. */
const time = v.pipe(v.string(), v.transform(Date.parse), v.number());
const retiredKey = v.object({ key: v.string(), made_at: time, retired_at: time, file: v.string() });

/** Returns the record of a retired key; null if there is none. */
function readRetired(paths: KeyPaths, id: string) {
  try {
    const record = recordOf(paths, id);
    const facts = lstatSync(record);
    if (!facts.isFile() || facts.size > maxFileBytes) return null;
    const found = parseJson(retiredKey, readFileSync(record));
    if (found?.key !== id) return null;
    return { createdAtMs: found.made_at, retiredAtMs: found.retired_at, name: path.basename(found.file) };
  } catch {
    // The record only adds to the message.
    return null;
  }
}

function recordOf(paths: KeyPaths, id: string): string {
  return path.join(paths.retiredKeys, `${id}.json`);
}

function publicOnes(paths: KeyPaths): ReturnType<typeof readPublicKeys> {
  try {
    return readPublicKeys(paths);
  } catch {
    return [];
  }
}

function minute(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
