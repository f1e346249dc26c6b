import { closeSync, constants, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs';

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The most bytes of a file of reports, and of its predecessor. */
const maxReportsBytes = 10 * 1024 * 1024;

/**
 * Appends a line to a file of mode 0600. If the file would become larger than `maxBytes`, first renames it to FILE.1
 * and replaces an older one. Ends the incomplete line of a killed process with a line break. Throws errors of fs, also
 * for a symbolic link.
 */
export function appendLine(file: string, line: string, maxBytes = maxReportsBytes): void {
  let handle = openSync(file, flags, 0o600);
  try {
    const bytes = Buffer.from(`${line}\n`);
    const facts = fstatSync(handle);
    if (!facts.isFile()) throw new Error(`${file} is no regular file`);
    let size = facts.size;
    if (size > 0 && size + bytes.length > maxBytes) {
      closeSync(handle);
      renameSync(file, `${file}.1`);
      handle = openSync(file, flags, 0o600);
      size = 0;
    }
    const last = Buffer.alloc(1);
    const isTorn = size > 0 && readSync(handle, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
    writeSync(handle, isTorn ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes);
  } finally {
    closeSync(handle);
  }
}
