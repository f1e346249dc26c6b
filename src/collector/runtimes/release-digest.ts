import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

import { FleetError, messageOf } from '../../errors.ts';
import type { RuntimeTarget } from './runtime-targets.ts';

/** The limit of a list; a release has some 50 lines. */
const maxListBytes = 64 * 1024;

export interface ComparedRelease {
  /** The copy that was compared, in the folder that was given. */
  readonly file: string;
  /** For example `20.20.2`. */
  readonly version: string;
}

/**
 * Copies a release archive of Node.js and compares the copy with a SHASUMS256.txt of nodejs.org, whose line must be for
 * this target. Throws FleetError `runtime-invalid`.
 */
export async function compareRelease(
  archive: string,
  shasums: string,
  target: RuntimeTarget,
  scratch: string,
  signal: AbortSignal,
): Promise<ComparedRelease> {
  const listed = readList(shasums);
  const file = path.join(scratch, 'archive');
  const hash = createHash('sha256');
  try {
    await pipeline(
      createReadStream(archive),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          yield piece;
        }
      },
      createWriteStream(file, { mode: 0o600, flags: 'wx' }),
      { signal },
    );
  } catch (thrown) {
    signal.throwIfAborted();
    throw invalid(`${archive} cannot be copied: ${messageOf(thrown)}`);
  }
  const digest = hash.digest('hex');
  const name = listed.get(digest);
  if (name === undefined) {
    throw invalid(
      `${archive} (SHA-256 ${digest}) is none of the files in ${shasums}`,
      'Fetch it again, and do not use this one.',
    );
  }
  const version = /^node-v(\d+\.\d+\.\d+)-(.+)\.tar\.[gx]z$/.exec(name);
  if (version?.[1] === undefined || version[2] !== target.name) {
    throw invalid(`${archive} is ${name} by ${shasums}, which is no release for ${target.name}`);
  }
  return { file, version: version[1] };
}

/**
 * Names by digest. Any other line is refused: what stands around the signed text of a .asc file is signed by nobody.
 */
function readList(shasums: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  try {
    if (statSync(shasums).size > maxListBytes) throw new Error('it is too large for one');
    for (const line of readFileSync(shasums, 'utf8').trimEnd().split('\n')) {
      const [, digest, name] = /^([\da-f]{64}) [ *](\S+)$/.exec(line) ?? [];
      if (digest === undefined || name === undefined) throw new Error('it has other lines than `DIGEST  FILE`');
      names.set(digest, name);
    }
  } catch (thrown) {
    const advice = 'Give the text that gpg verified: gpg --output SHASUMS256.txt --decrypt SHASUMS256.txt.asc.';
    throw invalid(`${shasums} is no SHASUMS256.txt: ${messageOf(thrown)}`, advice);
  }
  return names;
}

function invalid(message: string, advice?: string): FleetError {
  return new FleetError({ code: 'runtime-invalid', stage: 'run', message, advice });
}
