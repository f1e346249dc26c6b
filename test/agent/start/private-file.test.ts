import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { removeFile } from '../../../agent/start/private-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';

test('a file that was removed, or is missing already, counts as removed; one that stays does not', (t) => {
  const dir = tempFolder(t);
  const file = path.join(dir, 'report.fhs');
  writeFileSync(file, 'x');
  assert.equal(removeFile(file), true);
  assert.equal(existsSync(file), false);
  assert.equal(removeFile(file), true);
  mkdirSync(path.join(dir, 'folder'));
  assert.equal(removeFile(path.join(dir, 'folder')), false);
});
