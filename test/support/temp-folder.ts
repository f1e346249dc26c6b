import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

/** A test or suite with an end: a TestContext, or `{ after }` of node:test for the running suite. */
export interface Scope {
  after(done: () => unknown): void;
}

/** Makes a folder that is removed after the test; without a test, after the tests of the file or suite. */
export function tempFolder(t?: Scope): string {
  return folderIn(tmpdir(), t);
}

/** Makes such a folder in memory if there is room, where a commit of SQLite waits for no disk. For data only. */
export function memoryFolder(t?: Scope): string {
  return folderIn(memoryDir, t);
}

/** The folder of folders in memory, or that of temporary files. */
export const memoryDir = ((): string => {
  const dir = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize > 2 ** 30 ? dir : tmpdir();
  } catch {
    return tmpdir();
  }
})();

function folderIn(place: string, t?: Scope): string {
  const dir = mkdtempSync(path.join(place, 'fh-test-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  if (t === undefined) after(remove);
  else t.after(remove);
  return dir;
}
