import { readSync, writeSync } from 'node:fs';

import { reportIdBytes } from '../../src/report/wire.ts';

const retryMs = 5;
/** Standard input, or what src/transport/loader/node-word.sh and launcher.cjs name in its place. */
const input = (globalThis as { fleetHealthInput?: number }).fleetHealthInput ?? 0;

/** Writes to stdout. Returns false if stdout is closed. */
export function writeOut(bytes: Uint8Array): boolean {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if (!isBusy(error)) return false;
      pause();
    }
  }
  return true;
}

/** Returns the next acknowledged report id from stdin, 32 hexadecimal digits, or null at its end. */
export function readAcknowledgement(): string | null {
  const id = Buffer.alloc(reportIdBytes);
  let length = 0;
  while (length < reportIdBytes) {
    try {
      const count = readSync(input, id, length, reportIdBytes - length, null);
      if (count === 0) return null;
      length += count;
    } catch (error) {
      if (!isBusy(error)) return null;
      pause();
    }
  }
  return id.toString('hex');
}

function isBusy(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN';
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
}
