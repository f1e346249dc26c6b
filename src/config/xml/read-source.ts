import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, fileFault } from '../../platform/errors/errors.ts';
import { refusedFile } from '../../platform/account.ts';
import { binaryFault } from './no-xml.ts';
import type { Findings, Place, SourceFile } from './findings.ts';

/** The largest size of a file: a client is some 100 bytes, so this is half a million of them. */
const maxFileBytes = 64 * 1024 * 1024;

export interface SourceText {
  readonly source: SourceFile;
  readonly bytes: Buffer;
  /** The text without a byte order mark. */
  readonly text: string;
}

export interface ReadSourceOptions {
  /** The name of the file in messages; relative to the working folder or absolute. */
  readonly shown: string;
  readonly order: number;
  readonly findings: Findings;
  /** The place at which an unreadable file is reported; left out: the file itself. */
  readonly from?: Place;
}

/** The system's error code of a file that does not exist. */
export type ReadFault = 'ENOENT';

/**
 * Reads one file through one descriptor, so that size, permissions and content belong to each other. Returns null after
 * reporting a fault. Returns `ENOENT` if there is no such file, which the caller reports.
 */
export function readSource(options: ReadSourceOptions): SourceText | ReadFault | null {
  const { shown, order, findings } = options;
  const source = { shown, path: path.resolve(shown), order, mode: 0, uid: 0, gid: 0 };
  const reportFault = (message: string): null => {
    findings.fault(
      options.from ?? { source, line: null },
      options.from === undefined ? message : `${shown}: ${message}`,
    );
    return null;
  };
  let descriptor: number;
  try {
    // Without the flag a named pipe would block for ever. The pipe is rejected below.
    descriptor = openSync(source.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) return 'ENOENT';
    const refused = refusedFile(thrown);
    if (refused === null) return reportFault(`cannot be read: ${fileFault(thrown)}`);
    const { reason, owner } = refused;
    const remedy = owner === null ? 'let its owner read it' : `run it as ${owner}, or let a group read the file`;
    return reportFault(`cannot be read: ${reason}; ${remedy}`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return reportFault('is no ordinary file; name a file');
    if (stat.size > maxFileBytes)
      return reportFault(`is larger than ${maxFileBytes / 1024 / 1024} MiB; split it with <include>`);
    const bytes = readAll(descriptor, stat.size);
    const text = decode(bytes, (line, message) => findings.fault({ source, line }, message));
    return text === null ? null : { source: { ...source, mode: stat.mode, uid: stat.uid, gid: stat.gid }, bytes, text };
  } catch (thrown) {
    return reportFault(`cannot be read: ${fileFault(thrown)}`);
  } finally {
    closeSync(descriptor);
  }
}

function readAll(descriptor: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const count = readSync(descriptor, bytes, filled, sizeBytes - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function decode(bytes: Buffer, reportFault: (line: number, message: string) => void): string | null {
  const binary = binaryFault(bytes);
  if (binary !== null) {
    reportFault(1, binary);
    return null;
  }
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    return text.startsWith('\u{FEFF}') ? text.slice(1) : text;
  }
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    if (!isUtf8(bytes.subarray(start, end < 0 ? bytes.length : end))) break;
    if (end < 0) break;
    line += 1;
    start = end + 1;
  }
  reportFault(line, 'bytes that are no UTF-8; save the file as UTF-8');
  return null;
}
