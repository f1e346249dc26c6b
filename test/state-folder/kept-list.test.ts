import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { newPushKey, pushKeyFinder, readPushKeys, writePushKeys } from '../../src/state-folder/push-keys.ts';
import { tempFolder } from '../support/temp-folder.ts';

const file = path.join(tempFolder(), 'push-keys.json');
const key = newPushKey('web-1', 0);

test('what was written is read, and a missing file is an empty list', () => {
  assert.deepEqual(readPushKeys(file), []);
  writePushKeys(file, [key]);
  assert.deepEqual(readPushKeys(file), [key]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(file, 'utf8'), `${JSON.stringify({ clients: [key] }, null, 2)}\n`, 'people can read it');
});

test('a file is read again if it has changed, or is gone', () => {
  const find = pushKeyFinder(file);
  assert.deepEqual(find('web-1'), Buffer.from(key.key, 'base64url'));
  assert.equal(find('web-2'), null);
  assert.equal(find('web-1'), find('web-1'), 'the same Buffer: it is not read again');
  writePushKeys(file, [key, newPushKey('web-2', 0)]);
  assert.equal(find('web-2')?.length, 32);
  rmSync(file);
  assert.equal(find('web-1'), null);
});

test('entries that are not whole are left out', () => {
  const clients = [null, 'web-2', { ...key, key: 'c2hvcnQ' }, { client: 'web-3' }, key];
  writeFileSync(file, JSON.stringify({ clients }));
  assert.deepEqual(readPushKeys(file), [key]);
});

for (const text of [`{"clients": [{"key": "${key.key}" x`, '{}', '{"clients": {}}', '[]']) {
  test(`a damaged file is a fault that quotes nothing of it: ${text.slice(0, 16)}`, () => {
    writeFileSync(file, text);
    assert.throws(() => readPushKeys(file), {
      code: 'state-unusable',
      message: `${file} cannot be read: it has no list "clients"`,
    });
  });
}
