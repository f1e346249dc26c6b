import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { factsOfKeyName, keyName } from '../../../src/collector/keys/key-files.ts';
import { addPublicKey, importPublicKey, readPublicKeys } from '../../../src/collector/keys/public-keys.ts';
import { generateKeyPair, privateKeyToPem, publicKeyToPem } from '../../../src/report/seal/key-pair.ts';
import { statePaths } from '../../../src/state-folder/paths.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const root = tempFolder();
let places = 0;
const freshPaths = () => {
  const paths = statePaths(path.join(root, String(places++)));
  mkdirSync(paths.publicKeys, { recursive: true });
  return paths;
};
const nowMs = Date.UTC(2026, 10, 20, 10, 0, 0, 700);
const secondMs = Math.floor(nowMs / 1000) * 1000;
const [one, other] = [generateKeyPair(), generateKeyPair()];
const pem = publicKeyToPem(one.publicKey);

test('the name of a key has its second and its id', () => {
  const name = keyName(one.id, nowMs);
  assert.equal(name, `20261120T100000Z-${one.id}.pem`);
  assert.deepEqual(factsOfKeyName(name), { id: one.id, createdAtMs: secondMs });
  for (const wrong of [
    ...[name.slice(1), `${name}.part`, name.replace('Z-', '-'), name.replace(one.id, 'XYZ'), name.replace('.pem', '')],
    ...[name.replace('1120', '1399'), name.replace('T10', 'T99')],
  ]) {
    assert.equal(factsOfKeyName(wrong), null, wrong);
  }
});

test('a key is added once, with a time after all others, and everybody may read it', () => {
  const paths = freshPaths();
  addPublicKey(paths, one.publicKey, nowMs);
  addPublicKey(paths, one.publicKey, nowMs + 60_000);
  addPublicKey(paths, other.publicKey, nowMs - 60_000);
  const known = readPublicKeys(paths);
  assert.deepEqual(
    known.map(({ id, createdAtMs }) => [id, createdAtMs]),
    [
      [one.id, secondMs],
      [other.id, secondMs + 1000],
    ],
  );
  assert.deepEqual(Buffer.from(known[0]?.publicKey ?? []), Buffer.from(one.publicKey));
  assert.deepEqual(
    [known[0]?.file ?? '', paths.publicKeys].map((file) => statSync(file).mode & 0o777),
    [0o644, 0o755],
  );
});

test('an imported key keeps the time of its name, and is the newest without one', () => {
  const paths = freshPaths();
  const named = path.join(root, keyName(one.id, nowMs - 3_600_000));
  writeFileSync(named, pem);
  assert.equal(importPublicKey(paths, named, nowMs).createdAtMs, secondMs - 3_600_000);
  assert.equal(importPublicKey(paths, named, nowMs + 5000).createdAtMs, secondMs - 3_600_000);
  const nameless = path.join(root, 'key.pem');
  writeFileSync(nameless, publicKeyToPem(other.publicKey));
  assert.equal(importPublicKey(paths, nameless, nowMs).createdAtMs, secondMs);
  assert.equal(importPublicKey(paths, nameless, nowMs + 5000).createdAtMs, secondMs, 'it is there already');
  assert.equal(readPublicKeys(paths).length, 2);
});

const padded = (bytes: number): string => pem.padEnd(bytes, '\n');
const contents: readonly (readonly [what: string, name: string, content: string, says: RegExp | null])[] = [
  ['no key', 'a.pem', 'hello', /a\.pem cannot be used: not a public key in PEM$/],
  ['a private key', 'b.pem', privateKeyToPem(one), /it holds a private key, which stays where it was made/],
  ['16 KiB', 'c.pem', padded(16_384), null],
  ['more than 16 KiB', 'd.pem', padded(16_385), /it is too large for a key/],
  ['the id of another key', keyName(other.id, nowMs), pem, /holds another key: its id is/],
];
for (const [what, name, content, says] of contents) {
  test(`a file with ${what} is ${says === null ? 'a' : 'no'} public key`, () => {
    const file = path.join(root, name);
    writeFileSync(file, content);
    if (says === null) assert.equal(importPublicKey(freshPaths(), file, nowMs).id, one.id);
    else assert.throws(() => importPublicKey(freshPaths(), file, nowMs), { code: 'keys-invalid', message: says });
  });
}

test('of the folder, links and other names of files are passed over, and a key under a wrong name is not', () => {
  const paths = freshPaths();
  addPublicKey(paths, one.publicKey, nowMs);
  writeFileSync(path.join(paths.publicKeys, 'README'), 'keys');
  symlinkSync(readPublicKeys(paths)[0]?.file ?? '', path.join(paths.publicKeys, keyName(other.id, nowMs)));
  assert.equal(readPublicKeys(paths).length, 1);
  const misnamed = path.join(paths.publicKeys, keyName('0'.repeat(16), nowMs));
  writeFileSync(misnamed, readFileSync(readPublicKeys(paths)[0]?.file ?? ''));
  assert.throws(() => readPublicKeys(paths), { code: 'keys-invalid', message: /holds another key: its id is/ });
  const nameless = freshPaths();
  writeFileSync(path.join(nameless.publicKeys, 'mine.pem'), pem);
  assert.throws(() => readPublicKeys(nameless), { code: 'keys-invalid', message: /is not named like a key/ });
});
