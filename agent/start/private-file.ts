import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

const temporaryPattern = /^\.new-(\d+)$/;

/**
 * Writes a file of mode 0600 atomically. `durable` makes content and name survive a loss of power. Throws if the disk
 * does not take the file, and then leaves nothing behind.
 */
export function writePrivateFile(dir: string, name: string, content: Uint8Array, durable: boolean): void {
  const temporary = `${dir}/.new-${process.pid}`;
  const file = openNew(temporary);
  try {
    try {
      let written = 0;
      while (written < content.length) written += writeSync(file, content, written);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, `${dir}/${name}`);
  } catch (error) {
    removeFile(temporary);
    throw error;
  }
  if (durable) syncDirectory(dir);
}

/** Writes a file like writePrivateFile. Returns false if the disk does not take the file. */
export function isWritten(dir: string, name: string, content: Uint8Array, durable: boolean): boolean {
  try {
    writePrivateFile(dir, name, content, durable);
    return true;
  } catch {
    return false;
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (error) {
    // The file is left over from a killed process of the same pid: pids repeat after a reboot.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !removeFile(path)) throw error;
    return openSync(path, 'wx', 0o600);
  }
}

/**
 * Returns the content of a file of this account, or null if the file is missing, empty, too long, no plain file or
 * another account's. Never waits for a pipe and follows no symbolic link.
 */
export function readPrivateFile(path: string, maxBytes: number): Buffer | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const status = fstatSync(file);
    const { size } = status;
    if (!status.isFile() || status.uid !== process.getuid?.() || size < 1 || size > maxBytes) return null;
    const content = Buffer.allocUnsafe(size);
    let length = 0;
    let count: number;
    while (length < size && (count = readSync(file, content, length, size - length, null)) > 0) length += count;
    return length === size ? content : null;
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/**
 * Returns what `valueOf` makes of a JSON file in a client's folder; null if there is none. For a file that is damaged
 * or another program's `valueOf` returns null or throws. Adds the name of this file to `faults`, and removes the file.
 */
export function readKept<T>(
  dir: string,
  name: string,
  { maxBytes, faults }: { readonly maxBytes: number; readonly faults?: string[] | undefined },
  valueOf: (value: unknown) => T | null,
): T | null {
  const path = `${dir}/${name}`;
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return null;
    const value = valueOf(JSON.parse(String(readPrivateFile(path, maxBytes))));
    if (value !== null) return value;
  } catch {
    // The file is named below.
  }
  faults?.push(name);
  if (faults !== undefined) removeFile(path);
  return null;
}

/**
 * Returns the names in a folder, or none if the folder cannot be read. Removes the temporary files of killed writers.
 */
export function listPrivateFiles(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => {
      const [, pid] = temporaryPattern.exec(name) ?? [];
      if (pid === undefined) return true;
      if (!isRunning(Number(pid))) removeFile(`${dir}/${name}`);
      return false;
    });
  } catch {
    return [];
  }
}

/** True if a process has this pid, even if it is another process. A later visit then removes the file. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process belongs to another account.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a file. Returns false if the file still exists. */
export function removeFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Makes new, renamed and removed files of a folder survive a loss of power. Throws the errors of fs. */
export function syncDirectory(dir: string): void {
  const handle = openSync(dir, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
