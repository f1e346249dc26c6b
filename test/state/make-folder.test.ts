import assert from 'node:assert/strict';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { makeFolder } from '../../src/state/make-folder.ts';
import { tempFolder } from '../support/temp-folder.ts';

function folder(t: TestContext): string {
  const dir = tempFolder(t);
  return dir;
}

test('makes what is missing, for its owner alone, and leaves what is there', (t) => {
  const dir = folder(t);
  mkdirSync(path.join(dir, 'there'), { mode: 0o755 });
  const inner = path.join(dir, 'there', 'a', 'b');
  makeFolder(inner);
  makeFolder(inner);
  const modeOf = (name: string): number => statSync(name).mode & 0o777;
  assert.deepEqual([path.join(dir, 'there'), path.dirname(inner), inner].map(modeOf), [0o755, 0o700, 0o700]);
});

test('ends with an error where a folder that is there takes no other', () => {
  assert.throws(() => makeFolder('/proc/nowhere/state'), { code: 'ENOENT' });
});

test('ends with an error below a file, and where a file is', (t) => {
  const file = path.join(folder(t), 'file');
  writeFileSync(file, '');
  assert.throws(() => makeFolder(path.join(file, 'below')), { code: 'ENOTDIR' });
  assert.throws(() => makeFolder(file), { code: 'EEXIST' });
});
