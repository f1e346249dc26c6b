/**
 * Folders of the state folder in which others write: a site's program with the right to copy files, or whoever carries
 * them on a disk. Whatever lies there may be a link, a pipe or a loop, and may be exchanged at any time. So a folder is
 * opened once, as a real folder, and everything in it is reached through its descriptor. The folder above has to be
 * ours: nobody else can exchange its entries.
 */
import { isUtf8 } from 'node:buffer';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  type Dirent,
  type Stats,
} from 'node:fs';
import path from 'node:path';

import { errnoOf } from '../platform/errors/errors.ts';
import { makeFolder, writeDurably, writeSynced } from './durable-file.ts';

const { O_APPEND, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** The links to open files. Without them (BSD, macOS) entries are reached by the path of the folder that was opened. */
const descriptors = '/proc/self/fd';
const hasDescriptors = existsSync(descriptors);

/** The largest file that is copied to another file system. */
const maxCopied = 64 * 1024 * 1024;
/** The deepest tree that is removed. */
const maxDepth = 32;

/**
 * Opens a folder, hands it to `work` and closes it. Throws the errors of fs: ENOTDIR if a link or a file is in its
 * place.
 */
export function inFolder<T>(dir: string, work: (folder: HeldFolder) => T): T {
  const folder = new HeldFolder(dir);
  try {
    return work(folder);
  } finally {
    folder.close();
  }
}

/** Opens a folder as inFolder does. Makes it first, 0700, and the folders above it, if it is missing. */
export function inMadeFolder<T>(dir: string, work: (folder: HeldFolder) => T): T {
  makeHeldFolder(dir);
  return inFolder(dir, work);
}

/**
 * Makes a folder, 0700, and the folders above it, if it is missing. Throws the errors of fs, and for anything else in
 * its place.
 */
export function makeHeldFolder(dir: string, syncName?: (folder: string) => void): void {
  const facts = lstatSync(dir, { throwIfNoEntry: false });
  if (facts === undefined) makeFolder(dir, syncName);
  else if (!facts.isDirectory()) throw new NoFolder(`${dir} is no folder, but a file or a link; move it away`);
}

/** Reads a plain file of a folder as HeldFolder does. */
export function readHeld(file: string, maxBytes: number): Buffer {
  return inFolder(path.dirname(file), (folder) => folder.read(path.basename(file), maxBytes));
}

/** Returns what a file is, without following it; null if it is missing, or if its folder cannot be entered. */
export function factsOfHeld(file: string): Stats | null {
  try {
    return inFolder(path.dirname(file), (folder) => folder.facts(path.basename(file)));
  } catch {
    return null;
  }
}

/** Thrown for an entry that is no plain file, or a larger one than its reader takes: then with its size. */
export class NoPlainFile extends Error {
  readonly sizeBytes: number | null;

  constructor(sizeBytes: number | null = null, cause?: unknown) {
    super(sizeBytes === null ? 'no regular file' : `too large a file, of ${sizeBytes} bytes`, { cause });
    this.sizeBytes = sizeBytes;
  }
}

/** True if an error concerns the owner, mode or kind of one folder or of what is in it, and not the disk. */
export function isOfFolder(thrown: unknown): boolean {
  return thrown instanceof NoFolder || ['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP'].includes(errnoOf(thrown) ?? '');
}

/** True if this account may make and remove entries of a folder. */
export function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A fault thrown for a file or a link in the place of a folder. */
class NoFolder extends Error {}

/** A folder that is held by a descriptor. All names are those of its own entries. */
export class HeldFolder {
  readonly dir: string;
  readonly #descriptor: number;
  readonly #at: string;

  /** Opens a real folder. `at` is the path by which an entry of another held folder is reached. */
  constructor(dir: string, at = dir) {
    this.dir = dir;
    this.#descriptor = named(at, dir, () => openSync(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    this.#at = hasDescriptors ? `${descriptors}/${this.#descriptor}` : at;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Returns the path of an entry for as long as the folder is held, as the target of a move. */
  at(name: string): string {
    if (name === '' || name === '.' || name === '..' || name.includes('/')) throw new Error(`${name} is no name`);
    return `${this.#at}/${name}`;
  }

  entries(): readonly Dirent[] {
    return this.#named(() => readdirSync(this.#at, { withFileTypes: true }));
  }

  /**
   * Yields the entries, unsorted, and reads them in pieces: others may have put any number there. Throws the errors of
   * fs.
   */
  *eachEntry(): Generator<RawEntry, void> {
    // The types know no names as bytes here.
    const encoding = 'buffer' as BufferEncoding;
    const dir = this.#named(() => opendirSync(this.#at, { encoding, bufferSize: entriesAtOnce }));
    try {
      for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
        const raw = entry.name as unknown as Buffer;
        yield { entry, raw, name: isUtf8(raw) ? raw.toString() : null };
      }
    } finally {
      dir.closeSync();
    }
  }

  /** Returns what an entry is, without following it; null if it is missing. */
  facts(name: string): Stats | null {
    return this.#named(() => lstatSync(this.at(name), { throwIfNoEntry: false })) ?? null;
  }

  /**
   * Reads a plain file. Follows no link, and waits for no writer of a pipe. Throws NoPlainFile for anything else and
   * for a larger file, and the errors of fs.
   */
  read(name: string, maxBytes: number): Buffer {
    const descriptor = this.#named(() => openPlain(this.at(name)));
    try {
      const { size } = fstatSync(descriptor);
      if (size > maxBytes) throw new NoPlainFile(size);
      // The file may grow meanwhile.
      const bytes = Buffer.alloc(size);
      let length = 0;
      for (let more = -1; more !== 0 && length < size; length += more) {
        more = readSync(descriptor, bytes, length, size - length, length);
      }
      return bytes.subarray(0, length);
    } finally {
      closeSync(descriptor);
    }
  }

  /** Writes a file as writeDurably does. */
  write(name: string, content: string | Uint8Array): void {
    const file = this.at(name);
    this.#named(() => writeDurably({ file, content, mode: 0o600, inExistingFolder: true }));
  }

  /** Writes a file as writeSynced does. The folder has to be held until then. */
  async writeSynced(name: string, content: string | Uint8Array): Promise<void> {
    this.at(name);
    await writeSynced(this.#at, name, content).catch((thrown: unknown) => throwNamed(thrown, this.#at, this.dir));
  }

  /** Appends to a plain file, 0600. */
  append(name: string, text: string): void {
    const flags = O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK;
    const descriptor = this.#named(() => openSync(this.at(name), flags, 0o600));
    try {
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * Moves an entry of any kind, itself and not what it points to. `target` is a path in a folder of ours or of `at`. A
   * plain file is copied to another file system. Throws the errors of fs.
   */
  move(name: string, target: string): void {
    try {
      this.#named(() => renameSync(this.at(name), target));
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EXDEV' || this.facts(name)?.isFile() !== true) throw thrown;
      writeDurably({ file: target, content: this.read(name, maxCopied), mode: 0o600, inExistingFolder: true });
      this.remove(name);
    }
  }

  /** Removes an entry that is no folder. Does nothing if it is missing. */
  remove(name: string): void {
    try {
      this.#named(() => unlinkSync(this.at(name)));
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    }
  }

  sync(): void {
    this.#named(() => fsyncSync(this.#descriptor));
  }

  #named<T>(work: () => T): T {
    return named(this.#at, this.dir, work);
  }
}

/** Returns the path of an entry, also of one whose name is no UTF-8. */
function atRaw(folder: HeldFolder, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from(folder.at('x').slice(0, -1)), raw]);
}

/** Returns what an entry is, as HeldFolder does, also of one whose name is no UTF-8. */
export function factsOfRaw(folder: HeldFolder, raw: Buffer): Stats | null {
  return lstatSync(atRaw(folder, raw), { throwIfNoEntry: false }) ?? null;
}

/** Gives an entry another name in its folder, also one whose name is no UTF-8. Throws the errors of fs. */
export function renameRaw(folder: HeldFolder, raw: Buffer, name: string): void {
  renameSync(atRaw(folder, raw), folder.at(name));
}

/** Opens a folder in another one, hands it to `work` and closes it. */
export function inHeld<T>(folder: HeldFolder, name: string, work: (below: HeldFolder) => T): T {
  const below = new HeldFolder(path.join(folder.dir, name), folder.at(name));
  try {
    return work(below);
  } finally {
    below.close();
  }
}

/** The entries that are read in one call. */
const entriesAtOnce = 500;

/** An entry of a folder. `name` is null if it is no UTF-8, which Node can neither open nor move as text. */
export interface RawEntry {
  readonly entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>;
  readonly raw: Buffer;
  readonly name: string | null;
}

/**
 * Removes an entry, and of a folder as much below it as `mayRemove` allows, which is asked for each entry. Returns true
 * if it is gone. Throws the errors of fs, and for a tree that is too deep.
 */
export function removeSome(
  folder: HeldFolder,
  { entry, raw, name }: RawEntry,
  mayRemove: () => boolean,
  depth = maxDepth,
): boolean {
  if (!mayRemove()) return false;
  if (!entry.isDirectory()) {
    unlinkSync(atRaw(folder, raw));
    return true;
  }
  if (depth === 0) throw new Error(`${folder.dir} holds too deep a tree; remove it by hand`);
  // A folder whose name is no text is removed once it is empty.
  const isEmpty =
    name === null ||
    inHeld(folder, name, (below) => {
      for (const one of below.eachEntry()) if (!removeSome(below, one, mayRemove, depth - 1)) return false;
      return true;
    });
  if (isEmpty) rmdirSync(atRaw(folder, raw));
  return isEmpty;
}

/** Removes an entry with everything below it. Throws the errors of fs, and for a tree that is too deep. */
export function removeTree(folder: HeldFolder, name: string, depth = maxDepth): void {
  if (folder.facts(name)?.isDirectory() !== true) {
    folder.remove(name);
    return;
  }
  if (depth === 0) throw new Error(`${path.join(folder.dir, name)} is too deep a tree; remove it by hand`);
  inHeld(folder, name, (below) => {
    for (const entry of below.entries()) removeTree(below, entry.name, depth - 1);
  });
  rmdirSync(folder.at(name));
}

/** Opens a plain file. A socket cannot be opened, and the others do not wait for their other end. */
function openPlain(file: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (thrown) {
    // ENXIO: the file is a socket.
    if (!['ELOOP', 'ENXIO', 'EMLINK'].includes(errnoOf(thrown) ?? '')) throw thrown;
    throw new NoPlainFile(null, thrown);
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new NoPlainFile();
}

/** Runs work on `at`. Throws its errors of fs with the path of the folder in place of the descriptor's. */
function named<T>(at: string, dir: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    return throwNamed(thrown, at, dir);
  }
}

function throwNamed(thrown: unknown, at: string, dir: string): never {
  if (!(thrown instanceof Error) || at === dir || !thrown.message.includes(at)) throw thrown;
  const message = thrown.message.replaceAll(at, dir);
  throw Object.assign(new Error(message, { cause: thrown }), { code: errnoOf(thrown) ?? undefined });
}
