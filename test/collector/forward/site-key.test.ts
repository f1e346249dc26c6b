/** The file of `<forward key>`: which content and which mode a site accepts, and what it says of any other. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { readSiteKey } from '../../../src/collector/forward/site-key.ts';
import { tryForward } from '../../../src/collector/forward/try-forward.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const file = path.join(tempFolder(), 'site key.json');
const keyOf = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64url');
const whole = { site: 'fra', publicKey: keyOf(32), pushKey: keyOf(32) };
const write = (content: unknown, mode = 0o600): string => {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(file, mode);
  return file;
};

test('a key names its site, and holds the key that reports are sealed to and the secret of both collectors', () => {
  const key = readSiteKey(write(whole));
  assert.deepEqual(key, { site: 'fra', publicKey: Buffer.alloc(32, 7), pushKey: Buffer.alloc(32, 7) });
});

for (const [what, content] of [
  ['no JSON', '{'],
  ['an empty file', ''],
  ['no site', { ...whole, site: undefined }],
  ['a site without a name', { ...whole, site: '' }],
  ['no public key', { ...whole, publicKey: undefined }],
  ['a public key of 31 bytes', { ...whole, publicKey: keyOf(31) }],
  ['a public key of 33 bytes', { ...whole, publicKey: keyOf(33) }],
  ['no push key', { ...whole, pushKey: undefined }],
  ['a push key of 31 bytes', { ...whole, pushKey: keyOf(31) }],
  ['a push key of 33 bytes', { ...whole, pushKey: keyOf(33) }],
] as const) {
  test(`${what} is not the key of a site`, () => {
    const message = `${file} is not the key of a site`;
    assert.throws(() => readSiteKey(write(content)), {
      ...{ name: 'FleetError', code: 'keys-invalid', stage: 'keys', message },
      advice: 'Put there what `fleet-health enroll SITE --site` prints on the collector with the database.',
    });
  });
}

for (const [mode, isRefused] of [
  [0o600, false],
  [0o640, false],
  [0o660, false],
  [0o604, true],
  [0o602, true],
  [0o601, true],
] as const) {
  test(`a key of mode ${mode.toString(8)} ${isRefused ? 'can be used by others, and is refused' : 'is used'}`, () => {
    if (!isRefused) assert.equal(readSiteKey(write(whole, mode)).site, 'fra');
    else {
      assert.throws(() => readSiteKey(write(whole, mode)), {
        ...{ name: 'FleetError', code: 'config-permissions', stage: 'config' },
        message: `${file} holds a key and can be read by others`,
        advice: `Run chmod 600 '${file}', and think of \`fleet-health enroll SITE --site --rotate\` there.`,
      });
    }
  });
}

test('a key has at most 16 KiB, and is a file', () => {
  const text = JSON.stringify(whole);
  assert.equal(readSiteKey(write(text.padEnd(16 * 1024))).site, 'fra');
  const refused = { code: 'keys-invalid', message: `${file} cannot be read: it is no small regular file` };
  assert.throws(() => readSiteKey(write(text.padEnd(16 * 1024 + 1))), refused);
  const folder = path.join(tempFolder(), 'folder');
  mkdirSync(folder);
  assert.throws(() => readSiteKey(folder), { message: `${folder} cannot be read: it is no small regular file` });
  assert.throws(() => readSiteKey(`${folder}/none`), { message: `${folder}/none cannot be read: it does not exist` });
});

test('a trial of a link that another program carries reads the key, and asks nobody', async () => {
  const { signal } = new AbortController();
  await tryForward({ url: null, keyFile: write(whole) }, signal);
  await assert.rejects(tryForward({ url: null, keyFile: write('{') }, signal), { code: 'keys-invalid' });
});
