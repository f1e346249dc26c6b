import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** Runs a test with a new folder that is a separate file system, in memory. Needs root. */
export async function withSmallDisk(dir: string, sizeKib: number, test: () => Promise<void>): Promise<void> {
  const unmount = mountSmallDisk(dir, sizeKib);
  try {
    await test();
  } finally {
    unmount();
  }
}

/** Makes a folder that is a separate file system, in memory. Returns a function that unmounts it. Needs root. */
export function mountSmallDisk(dir: string, sizeKib: number): () => void {
  mkdirSync(dir);
  const options = `size=${sizeKib}k,mode=700`;
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir]).status, 0);
  return () => void spawnSync('umount', ['-l', dir]);
}

/** Fills the file system of a folder to the last byte with a file. Returns the file's path. */
export function fill(dir: string): string {
  const full = path.join(dir, 'full');
  const { stderr } = spawnSync('/bin/sh', ['-c', `cat /dev/zero >${full}`], { encoding: 'utf8' });
  assert.match(stderr, /No space left/);
  return full;
}
