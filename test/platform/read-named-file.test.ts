import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { readNamedFile } from '../../src/platform/read-named-file.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('a file that config.xml names is read, or the reason why not is told without waiting', (t) => {
  const dir = tempFolder(t);
  const at = (name: string): string => path.join(dir, name);
  writeFileSync(at('small'), 'x'.repeat(2 ** 20));
  writeFileSync(at('large'), 'x'.repeat(2 ** 20 + 1));
  mkdirSync(at('folder'));
  symlinkSync('circle', at('circle'));
  assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
  assert.equal(readNamedFile(at('small')).length, 2 ** 20);
  const reasons: Readonly<Record<string, string>> = {
    missing: 'it does not exist',
    'small/x': 'a part of its path is no folder',
    folder: 'it is a folder, and a file is needed',
    circle: 'it is a symbolic link that leads in a circle',
    pipe: 'it is no regular file',
    '/dev/zero': 'it is no regular file',
    large: 'it is larger than 1 MiB',
  };
  for (const [name, message] of Object.entries(reasons)) {
    assert.throws(() => readNamedFile(path.resolve(dir, name)), { message }, name);
  }
});
