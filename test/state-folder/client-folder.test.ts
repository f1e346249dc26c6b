import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { clientOfFolder, folderOfClient } from '../../src/state-folder/client-folder.ts';
import { codePoint } from '../support/code-points.ts';

const names: readonly (readonly [string, string])[] = [
  ['web-1', 'web-1'],
  ['192.0.2.1:2222', '192.0.2.1%3A2222'],
  ['..', '%2E.'],
  ['.', '%2E'],
  ['.hidden', '%2Ehidden'],
  ['a/b\\c', 'a%2Fb%5Cc'],
  ['ümläut', '%C3%BCml%C3%A4ut'],
  ["it's (a*b)!", '%69t%27s%20%28a%2Ab%29%21'.replace('%69', 'i')],
  ['50%', '50%25'],
  ['%habc', '%25habc'],
];

for (const [client, folder] of names) {
  test(`the folder of ${client} is ${folder}`, () => {
    assert.equal(folderOfClient(client), folder);
    assert.equal(clientOfFolder(folder), client);
  });
}

test('a long name becomes a hash, which names nobody', () => {
  const longest = `${'ü'.repeat(32)}12345678`;
  assert.equal(folderOfClient(longest), `${'%C3%BC'.repeat(32)}12345678`);
  assert.match(folderOfClient(`${longest}9`), /^%h/);
  const long = 'ü'.repeat(64);
  assert.match(folderOfClient(long), /^%h[0-9a-f]{64}$/);
  assert.equal(clientOfFolder(folderOfClient(long)), null);
  assert.notEqual(folderOfClient(long), folderOfClient(`${long.slice(1)}x`));
});

test('any name gives one safe name of a folder and comes back from it', () => {
  const name = fc.string({ unit: codePoint, minLength: 1, maxLength: 128 });
  fc.assert(
    fc.property(name, (client) => {
      const folder = folderOfClient(client);
      assert.ok(folder.length <= 200 && !folder.startsWith('.'));
      assert.equal(path.basename(path.join('/root', folder)), folder);
      const back = clientOfFolder(folder);
      assert.ok(back === client || (back === null && folder.startsWith('%h')));
    }),
  );
});

test('folders of other origin name nobody', () => {
  for (const folder of ['%', '%zz', 'a b', '.x', 'A%2f', '%2E%2E']) assert.equal(clientOfFolder(folder), null, folder);
});
