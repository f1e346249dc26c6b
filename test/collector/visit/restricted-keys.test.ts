import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadRestrictedKeys } from '../../../src/collector/visit/restricted-keys.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const file = path.join(tempFolder(), 'restricted-keys');
const clients = ['a', 'b "c"', 'd'].map((name) => ({ name }));
const known = (): readonly string[] => {
  const restricted = loadRestrictedKeys(file);
  return clients.filter((client) => restricted.has(client)).map(({ name }) => name);
};

test('who has a restricted key is kept until its agent says otherwise', () => {
  assert.deepEqual(known(), []);
  const first = loadRestrictedKeys(file);
  first.note('a', true);
  first.note('b "c"', true);
  first.note('d', false);
  first.note('of another fleet', true);
  first.save(clients);
  assert.equal(readFileSync(file, 'utf8'), '"a"\n"b \\"c\\""\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(known(), ['a', 'b "c"']);
  const { mtimeMs, ino } = statSync(file);
  loadRestrictedKeys(file).save(clients);
  assert.deepEqual([statSync(file).mtimeMs, statSync(file).ino], [mtimeMs, ino], 'nothing is written');
  const second = loadRestrictedKeys(file);
  second.note('a', false);
  second.save(clients);
  assert.deepEqual(known(), ['b "c"']);
});

test('a file that cannot be read or is damaged knows nobody, and one that cannot be written is a fault', () => {
  writeFileSync(file, '"a\n{}\n"d"');
  assert.deepEqual(known(), ['d']);
  rmSync(file);
  mkdirSync(path.join(file, 'x'), { recursive: true });
  const restricted = loadRestrictedKeys(file);
  assert.equal(restricted.has({ name: 'a' }), false);
  restricted.note('a', true);
  assert.throws(() => restricted.save(clients), { code: 'state-unusable' });
});
