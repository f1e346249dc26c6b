import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, type TestContext } from 'node:test';

/** Makes a folder that is removed after the test; without a test, after the tests of the file or suite. */
export function tempFolder(t?: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'fh-test-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  if (t === undefined) after(remove);
  else t.after(remove);
  return dir;
}
