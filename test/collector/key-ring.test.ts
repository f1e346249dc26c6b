import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { loadCollectorId } from '../../src/collector/collector-id.ts';
import { generateKey, listKeys, loadKeyRing, retireKey, rotateKeys } from '../../src/collector/key-ring.ts';
import { openSealedSpool } from '../../src/collector/sealed-spool.ts';
import { statePaths } from '../../src/paths.ts';
import { generateKeyPair, privateKeyToPem } from '../../src/seal/key-pair.ts';
import { openReport } from '../../src/seal/open.ts';
import { sealReport } from '../../src/seal/seal.ts';
import { sealedSample } from '../support/sealed-report.ts';

const root = mkdtempSync(path.join(tmpdir(), 'fh-keys-'));
after(() => rmSync(root, { recursive: true, force: true }));
let places = 0;
const freshPaths = () => statePaths(path.join(root, String(places++)));
const now = Date.UTC(2026, 10, 20, 10);

test('the first use makes a pair, the second finds it', () => {
  const paths = freshPaths();
  const first = loadKeyRing(paths, now);
  assert.equal(first.made, true);
  const second = loadKeyRing(paths, now + 1000);
  assert.equal(second.made, false);
  assert.equal(second.sealing.id, first.sealing.id);
  const [name = ''] = readdirSync(paths.keys);
  assert.equal(name, `20261120T100000Z-${first.sealing.id}.pem`);
  assert.equal(statSync(path.join(paths.keys, name)).mode & 0o777, 0o600);
  assert.equal(statSync(paths.keys).mode & 0o777, 0o700);
  assert.match(readFileSync(path.join(paths.publicKeys, name), 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
  assert.deepEqual(readdirSync(paths.keys), [name]);
});

test('after a rotation the new pair seals and both open, even when the clock went back', () => {
  const paths = freshPaths();
  const old = loadKeyRing(paths, now).sealing;
  const made = rotateKeys(paths, now - 86_400_000);
  const ring = loadKeyRing(paths, now);
  assert.equal(ring.sealing.id, made.id);
  assert.notEqual(made.id, old.id);
  for (const { publicKey } of [old, ring.sealing]) {
    const sealed = sealReport({
      publicKey,
      reportId: '6f1c0e5a-1f0b-4f7e-9f43-0c3c7d1f2a10',
      client: 'web-1',
      plaintext: Buffer.from('{}'),
    });
    assert.equal(openReport(sealed, ring.opening).plaintext.toString(), '{}');
  }
  assert.deepEqual(
    listKeys(paths).map(({ id, seals }) => [id, seals]),
    [
      [old.id, false],
      [made.id, true],
    ],
  );
});

test('a retired pair is gone from both folders, and the sealing one cannot be retired', () => {
  const paths = freshPaths();
  const old = generateKey(paths, now);
  const made = rotateKeys(paths, now);
  assert.throws(() => retireKey(paths, made.id), { code: 'keys-invalid', message: /is the one that seals/ });
  assert.throws(() => retireKey(paths, '0123456789abcdef'), { code: 'keys-invalid' });
  assert.equal(retireKey(paths, old.id).id, old.id);
  assert.deepEqual([...loadKeyRing(paths, now).opening.keys()], [made.id]);
  assert.equal(readdirSync(paths.publicKeys).length, 1);
});

test('a pair that alone opens what waits here cannot be retired', async () => {
  const paths = freshPaths();
  const old = loadKeyRing(paths, now).sealing;
  rotateKeys(paths, now);
  const { sealed, reportId } = sealedSample({ key: old });
  const spool = openSealedSpool(paths.encryptedStats);
  const waiting = await spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: now, clock: null });
  assert.throws(() => retireKey(paths, old.id), {
    code: 'keys-invalid',
    message: /^1 reports wait/,
    advice: /collect/,
  });
  spool.remove(waiting);
  assert.equal(retireKey(paths, old.id).id, old.id);
});

test('a first pair is made once', () => {
  const paths = freshPaths();
  generateKey(paths, now);
  assert.throws(() => generateKey(paths, now), { code: 'keys-invalid', advice: /rotate/ });
});

type Damage = (files: { readonly privateFile: string; readonly publicFile: string; readonly keys: string }) => void;
const damages: readonly (readonly [string, Damage, RegExp])[] = [
  ['a private key that others can read', ({ privateFile }) => chmodSync(privateFile, 0o640), /can be used by others/],
  ['an empty private key', ({ privateFile }) => writeFileSync(privateFile, ''), /not a private key/],
  [
    'a cut private key',
    ({ privateFile }) => writeFileSync(privateFile, readFileSync(privateFile, 'utf8').slice(0, 60)),
    /pem/,
  ],
  [
    'a private key swapped for another',
    ({ privateFile }) => writeFileSync(privateFile, privateKeyToPem(generateKeyPair())),
    /another key/,
  ],
  ['a file of another name', ({ keys }) => writeFileSync(path.join(keys, 'id_ed25519'), ''), /not named like a key/],
  ['a public copy that differs', ({ publicFile }) => writeFileSync(publicFile, 'x'), /differs/],
  [
    'a folder in the place of a key',
    ({ privateFile }) => {
      rmSync(privateFile);
      renameSync(path.dirname(path.dirname(privateFile)) + '/public_keys', privateFile);
    },
    /no regular file/,
  ],
];

for (const [what, damage, expected] of damages) {
  test(`${what} is said, with what to do`, () => {
    const paths = freshPaths();
    loadKeyRing(paths, now);
    const [name = ''] = readdirSync(paths.keys);
    damage({
      privateFile: path.join(paths.keys, name),
      publicFile: path.join(paths.publicKeys, name),
      keys: paths.keys,
    });
    assert.throws(() => loadKeyRing(paths, now), { code: 'keys-invalid', stage: 'keys', message: expected });
  });
}

test('a public copy that is missing is written again', () => {
  const paths = freshPaths();
  loadKeyRing(paths, now);
  rmSync(paths.publicKeys, { recursive: true });
  loadKeyRing(paths, now);
  assert.equal(readdirSync(paths.publicKeys).length, 1);
});

test('what a killed process left half written is no key', () => {
  const paths = freshPaths();
  loadKeyRing(paths, now);
  writeFileSync(path.join(paths.keys, '.0123456789abcdef.part'), '-----BEGIN');
  assert.equal(loadKeyRing(paths, now).opening.size, 1);
});

test('keys in an unusable place are a fault of the state folder', () => {
  const paths = freshPaths();
  writeFileSync(paths.dir, 'a file where the folder should be');
  assert.throws(() => loadKeyRing(paths, now), { code: 'state-unusable' });
});

test('the collector id is made once and damage to it is said', () => {
  const paths = freshPaths();
  const id = loadCollectorId(paths.collectorId);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(loadCollectorId(paths.collectorId), id);
  writeFileSync(paths.collectorId, 'nothing');
  assert.throws(() => loadCollectorId(paths.collectorId), { code: 'state-unusable', message: /holds no id/ });
});
