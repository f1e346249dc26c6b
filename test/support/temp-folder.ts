import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { atExit } from './at-exit.ts';

/** A test or suite with an end: a TestContext, or `{ after }` of node:test for the running suite. */
export interface Scope {
  after(done: () => unknown): void;
}

/** Makes a folder that is removed after the test; without a test, at the end of the process. */
export function tempFolder(t?: Scope): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-test-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  if (t === undefined) atExit(remove);
  else t.after(remove);
  return dir;
}
