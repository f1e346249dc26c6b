import { chmodSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { makeFolder } from '../../state/make-folder.ts';
import { syncFolderNow, writeDurably } from '../../state/durable-file.ts';
import { codecSuffix, codecs, flush, pack, type Codec } from './runtime-codecs.ts';
import { targetNamed } from './runtime-targets.ts';
import { dayMs } from '../../platform/units.ts';

/** A Node.js that can be uploaded to clients of one platform. */
export interface StoredRuntime {
  readonly target: string;
  /** The version, for example `20.20.2`; null if the binary cannot run here and its origin does not name it. */
  readonly version: string | null;
  /** SHA-256 of the binary in hexadecimal digits. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly addedAtMs: number;
  /** The origin of the binary, for people. */
  readonly source: string;
  /** The copies to choose from, the smallest first. The last is the binary itself. */
  readonly copies: readonly RuntimeCopy[];
}

export interface RuntimeCopy {
  readonly codec: Codec;
  readonly sizeBytes: number;
  /** The absolute path. */
  readonly file: string;
}

/** Returns the name of a runtime on clients and in file names: the beginning of its digest. */
export function runtimeId({ digest }: Pick<StoredRuntime, 'digest'>): string {
  return digest.slice(0, 16);
}

const manifestName = 'runtimes.json';
const scratchPrefix = '.new-';
/** The age at which the files of a killed `add` are removed. */
const scratchKeepMs = dayMs;

interface ManifestEntry {
  readonly target: string;
  readonly version: string | null;
  readonly digest: string;
  readonly size_bytes: number;
  readonly added_at: string;
  readonly source: string;
  readonly copies: Readonly<Partial<Record<Codec, number>>>;
}

/** Returns all runtimes by target, without those whose file is missing. Throws FleetError `state-unusable`. */
export function listRuntimes(dir: string): readonly StoredRuntime[] {
  return readManifest(dir)
    .map((entry) => runtimeOf(dir, entry))
    .filter((runtime) => runtime.copies.some(({ codec }) => codec === 'raw'));
}

export interface NewRuntime {
  readonly dir: string;
  /** The checked binary, in a folder of `withScratch`. */
  readonly binary: string;
  readonly target: string;
  readonly version: string | null;
  readonly digest: string;
  readonly source: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/**
 * Keeps a binary and copies of it in every compression that this machine supports, in place of the target's former one.
 * Throws FleetError `state-unusable`, or the signal's reason.
 */
export async function addRuntime(added: NewRuntime): Promise<StoredRuntime> {
  const { dir, binary, target, version, digest, source, nowMs, signal } = added;
  return await usable(async () => {
    flush(binary);
    chmodSync(binary, 0o600);
    const sizes: Partial<Record<Codec, number>> = { raw: statSync(binary).size };
    for (const codec of codecs) {
      if (codec === 'raw') continue;
      const size = await pack(codec, binary, `${binary}${codecSuffix[codec]}`, signal);
      if (size === null) rmSync(`${binary}${codecSuffix[codec]}`, { force: true });
      else sizes[codec] = size;
    }
    const entry: ManifestEntry = {
      target,
      version,
      digest,
      size_bytes: sizes.raw ?? 0,
      added_at: new Date(nowMs).toISOString(),
      source,
      copies: sizes,
    };
    for (const codec of codecs) {
      if (sizes[codec] !== undefined) renameSync(`${binary}${codecSuffix[codec]}`, fileOf(dir, entry, codec));
    }
    syncFolderNow(dir);
    const others = readManifest(dir).filter((known) => known.target !== target);
    writeManifest(dir, [...others, entry]);
    removeUnlisted(dir);
    return runtimeOf(dir, entry);
  });
}

/** Deletes a target's runtime and returns it; null if there is none. Throws FleetError `state-unusable`. */
export function removeRuntime(dir: string, target: string): StoredRuntime | null {
  const known = readManifest(dir);
  const entry = known.find((one) => one.target === target);
  if (entry === undefined) return null;
  const removed = runtimeOf(dir, entry);
  try {
    writeManifest(
      dir,
      known.filter((one) => one !== entry),
    );
    removeUnlisted(dir);
  } catch (thrown) {
    throw unusable(thrown);
  }
  return removed;
}

/** Runs the work with a temporary folder inside `dir`. Throws FleetError `state-unusable` if it cannot be made. */
export async function withScratch<T>(dir: string, nowMs: number, work: (scratch: string) => Promise<T>): Promise<T> {
  let scratch: string;
  try {
    makeFolder(dir);
    for (const name of readdirSync(dir).filter((one) => one.startsWith(scratchPrefix))) {
      const left = path.join(dir, name);
      if (statSync(left).mtimeMs < nowMs - scratchKeepMs) rmSync(left, { recursive: true, force: true });
    }
    scratch = mkdtempSync(path.join(dir, scratchPrefix));
  } catch (thrown) {
    throw unusable(thrown);
  }
  try {
    return await work(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function usable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw errnoOf(thrown) === null || errnoOf(thrown) === 'ABORT_ERR' ? thrown : unusable(thrown);
  }
}

function fileOf(dir: string, entry: Pick<ManifestEntry, 'target' | 'digest'>, codec: Codec): string {
  return path.join(dir, `${entry.target}-${runtimeId(entry)}.node${codecSuffix[codec]}`);
}

function runtimeOf(dir: string, entry: ManifestEntry): StoredRuntime {
  const copies = codecs.flatMap((codec): RuntimeCopy[] => {
    const sizeBytes = entry.copies[codec];
    const file = fileOf(dir, entry, codec);
    // A copy that was damaged by hand counts as missing.
    const isThere = statSync(file, { throwIfNoEntry: false })?.size === sizeBytes;
    return sizeBytes === undefined || !isThere ? [] : [{ codec, sizeBytes, file }];
  });
  return {
    target: entry.target,
    version: entry.version,
    digest: entry.digest,
    sizeBytes: entry.size_bytes,
    addedAtMs: Date.parse(entry.added_at),
    source: entry.source,
    copies: copies.toSorted((a, b) => a.sizeBytes - b.sizeBytes),
  };
}

function readManifest(dir: string): readonly ManifestEntry[] {
  const file = path.join(dir, manifestName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw unusable(thrown);
  }
  try {
    const { version, runtimes } = JSON.parse(text) as { version?: unknown; runtimes?: unknown };
    if (version !== 1 || !Array.isArray(runtimes) || !runtimes.every(isEntry)) throw new Error('of another version');
    return runtimes;
  } catch (thrown) {
    throw new FleetError({
      code: 'state-unusable',
      stage: 'run',
      message: `${file} is damaged: ${messageOf(thrown)}`,
      advice: 'Delete it and add the runtimes again.',
      cause: thrown,
    });
  }
}

function isEntry(value: unknown): value is ManifestEntry {
  const entry = value as Partial<Record<keyof ManifestEntry, unknown>> | null;
  return (
    typeof entry?.target === 'string' &&
    targetNamed(entry.target) !== null &&
    (entry.version === null || typeof entry.version === 'string') &&
    typeof entry.digest === 'string' &&
    /^[0-9a-f]{64}$/.test(entry.digest) &&
    Number.isSafeInteger(entry.size_bytes) &&
    typeof entry.added_at === 'string' &&
    !Number.isNaN(Date.parse(entry.added_at)) &&
    typeof entry.source === 'string' &&
    typeof entry.copies === 'object' &&
    entry.copies !== null
  );
}

function writeManifest(dir: string, entries: readonly ManifestEntry[]): void {
  const runtimes = entries.toSorted((a, b) => (a.target < b.target ? -1 : 1));
  const content = `${JSON.stringify({ version: 1, runtimes }, null, 2)}\n`;
  writeDurably({ file: path.join(dir, manifestName), content, mode: 0o600 });
}

const runtimeFile = /^linux-[a-z0-9-]+-[0-9a-f]{16}\.node(?:\.\w+)?$/;

/** Deletes the binaries that the manifest no longer names. */
function removeUnlisted(dir: string): void {
  const listed = new Set(
    readManifest(dir).flatMap((entry) => codecs.map((codec) => path.basename(fileOf(dir, entry, codec)))),
  );
  for (const name of readdirSync(dir)) {
    if (runtimeFile.test(name) && !listed.has(name)) rmSync(path.join(dir, name), { force: true });
  }
}

function unusable(thrown: unknown): FleetError {
  if (thrown instanceof FleetError) return thrown;
  return new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
}
