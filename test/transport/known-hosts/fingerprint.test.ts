import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fingerprint, hostKeyOf, keyTypeName } from '../../../src/transport/known-hosts/fingerprint.ts';

/** Returns a key blob: the length of a type, the type, and what follows. */
function blobOf(type: string, rest = 'k', length = type.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length);
  return Buffer.concat([head, Buffer.from(type, 'latin1'), Buffer.from(rest)]);
}

const plausible = ['ssh-ed25519', 'sk-ssh-ed25519@openssh.com', 'ecdsa-sha2-nistp256', 'a', 'x'.repeat(64)];
for (const type of plausible) {
  test(`a key begins with its type, ${type.slice(0, 30)}`, () => {
    const blob = blobOf(type);
    assert.deepEqual(hostKeyOf(blob), { type, key: blob.toString('base64') });
  });
}

const damaged: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'four bytes': Buffer.from([0, 0, 0, 0]),
  'an empty type': blobOf('', 'kk'),
  'a type of 65 characters': blobOf('x'.repeat(65)),
  'a type and no key': blobOf('ssh-ed25519', ''),
  'a type that is longer than the key': blobOf('ssh', '', 40),
  capitals: blobOf('SSH-RSA'),
  'a blank': blobOf('ssh rsa'),
  'a control character': blobOf('ssh\x1brsa'),
};
for (const [what, blob] of Object.entries(damaged)) {
  test(`${what} is no key`, () => assert.equal(hostKeyOf(blob), null));
}

test('the fingerprint is that of ssh-keygen -l, of a blob and of its base64', () => {
  const blob = blobOf('ssh-ed25519', 'x'.repeat(36));
  const print = fingerprint(blob);
  assert.match(print, /^SHA256:[A-Za-z0-9+/]{43}$/);
  assert.equal(fingerprint(blob.toString('base64')), print);
  // printf '' | openssl dgst -sha256 -binary | base64
  assert.equal(fingerprint(Buffer.alloc(0)), 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU');
});

const names: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ED25519',
  'ssh-rsa': 'RSA',
  'ecdsa-sha2-nistp256': 'ECDSA',
  'ecdsa-sha2-nistp521': 'ECDSA',
  'ssh-dss': 'ssh-dss',
};
for (const [type, name] of Object.entries(names)) {
  test(`${type} is called ${name}`, () => assert.equal(keyTypeName(type), name));
}
