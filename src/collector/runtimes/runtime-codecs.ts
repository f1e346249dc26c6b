import { closeSync, createReadStream, createWriteStream, fsyncSync, openSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import { FleetError } from '../../errors.ts';
import { runProgram } from './run-program.ts';
import { minuteMs } from '../../platform/units.ts';

/** The compressions of a runtime in transit; `raw` is none. Each is also the name of the program that unpacks it. */
export const codecs = ['xz', 'zstd', 'gzip', 'raw'] as const;
export type Codec = (typeof codecs)[number];

/** The suffixes of file names. */
export const codecSuffix: Readonly<Record<Codec, string>> = { xz: '.xz', zstd: '.zst', gzip: '.gz', raw: '' };

// Decompression of both needs at most 9 MiB of a client's memory.
const programs = { xz: ['-6', '-T0', '-c'], zstd: ['-19', '-T0', '-q', '-c'] } as const;

const packTimeoutMs = 20 * minuteMs;

/**
 * Writes a compressed copy of a file, flushed to disk. Returns its size in bytes; null if the compressing program is
 * not installed here. Throws FleetError `state-unusable` if it fails, or the signal's reason.
 */
export async function pack(
  codec: Exclude<Codec, 'raw'>,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<number | null> {
  if (codec === 'gzip') {
    await pipeline(createReadStream(from), createGzip({ level: 6 }), createWriteStream(to, { mode: 0o600 }), {
      signal,
    });
  } else if (!(await packWith(codec, from, to, signal))) {
    return null;
  }
  flush(to);
  return statSync(to).size;
}

async function packWith(codec: keyof typeof programs, from: string, to: string, signal: AbortSignal): Promise<boolean> {
  const stdin = openSync(from, 'r');
  const stdout = openSync(to, 'w', 0o600);
  try {
    const options = { program: codec, args: programs[codec], stdin, stdout, timeoutMs: packTimeoutMs, signal };
    const { outcome, status, stderr } = await runProgram(options);
    if (outcome === 'missing' || outcome === 'denied') return false;
    if (status === 0) return true;
    const message = `${codec} could not compress ${from}: ${outcome === 'late' ? 'it did not end' : stderr.trim()}`;
    throw new FleetError({ code: 'state-unusable', stage: 'run', message });
  } finally {
    closeSync(stdin);
    closeSync(stdout);
  }
}

/** Flushes a file, so that its content survives a power loss. */
export function flush(file: string): void {
  const fd = openSync(file, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
