import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync, verify, createPublicKey } from 'node:crypto';
import path from 'node:path';
import { describe, it } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { decodeLoginKey, loadPrivateKey, opensshPrivateKey } from '../../../src/transport/credentials/private-key.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();

let count = 0;
function keygen(...options: readonly string[]): string {
  const file = path.join(dir, `key-${count++}`);
  execFileSync('ssh-keygen', ['-q', '-C', '', ...options, '-f', file]);
  return file;
}

function unusable(file: string, passphrase: string | null): string {
  let message = '';
  assert.throws(
    () => loadPrivateKey(file, passphrase),
    (thrown) => {
      assert.ok(thrown instanceof FleetError);
      assert.equal(thrown.code, 'credentials-unusable');
      message = thrown.message;
      return true;
    },
  );
  assert.ok(message.startsWith(`privateKey ${file}: `), message);
  return message.slice(`privateKey ${file}: `.length);
}

describe('loadPrivateKey', () => {
  const plain = keygen('-t', 'ed25519', '-N', '');
  const locked = keygen('-t', 'ed25519', '-a', '2', '-N', 'open sesame');
  const lockedPem = keygen('-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'open sesame');

  it('says what is wrong, without a word of the key or passphrase', () => {
    assert.match(unusable(path.join(dir, 'none'), null), /^the file does not exist$/);
    assert.match(unusable(dir, null), /it is a folder$/);
    for (const file of [locked, lockedPem]) {
      assert.equal(unusable(file, null), 'it is encrypted and no passphrase is configured');
      assert.match(unusable(file, 'wrong one'), /the passphrase is wrong/);
    }
    const file = path.join(dir, 'broken');
    const body = readFileSync(plain, 'utf8').split('\n');
    const broken: Record<string, string> = {
      empty: '',
      text: 'this is no key\n',
      cut: body.slice(0, 3).join('\n'),
      short: [body[0], body[1], body.at(-2)].join('\n'),
      pem: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
      large: 'x'.repeat(100_000),
    };
    for (const [name, text] of Object.entries(broken)) {
      writeFileSync(file, text, { mode: 0o600 });
      const message = unusable(file, null);
      assert.ok(message !== '' && !message.includes(body[1] ?? '?'), `${name}: ${message}`);
    }
  });

  it('refuses kinds that SSH has no use for', () => {
    for (const type of ['x25519', 'ed448'] as const) {
      const { privateKey } = generateKeyPairSync(type as 'ed448');
      const file = path.join(dir, type);
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      assert.equal(unusable(file, null), `keys of type ${type} are not supported`);
    }
  });

  it('names keys that are for other programs or another transport, and what to do', () => {
    const { publicKey } = sshPublic();
    const cases: readonly (readonly [string, RegExp])[] = [
      ['PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n', /PuTTY key; `puttygen FILE -O private-openssh/],
      ['PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: aes256-cbc\n', /PuTTY key; `puttygen FILE -O private-openssh/],
      [`ssh-ed25519-cert-v01@openssh.com ${publicKey} x`, /certificate, which needs transport="openssh"/],
      [`sk-ssh-ed25519@openssh.com ${publicKey} x`, /security key, which needs transport="openssh"/],
    ];
    for (const [text, says] of cases) assert.throws(() => decodeLoginKey(text, null), says, text);
    const { privateKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
    const dsa = privateKey.export({ type: 'pkcs8', format: 'pem' });
    assert.throws(() => decodeLoginKey(String(dsa), null), /type dsa are not supported/i);
  });

  it('refuses a key that others can read, with the command that mends it', () => {
    chmodSync(plain, 0o644);
    assert.equal(unusable(plain, null), 'others can read it');
    assert.throws(
      () => loadPrivateKey(plain, null),
      (thrown) => thrown instanceof FleetError && thrown.advice === `chmod 600 ${plain}`,
    );
    chmodSync(plain, 0o600);
    loadPrivateKey(plain, null);
  });

  it('takes a public key for what it is, whoever can read it', () => {
    chmodSync(`${plain}.pub`, 0o644);
    const key = loadPrivateKey(`${plain}.pub`, null);
    assert.equal(key.usable, null);
    assert.equal(key.fingerprint, loadPrivateKey(plain, null).fingerprint);
  });

  it('decodes once, and again when the file or the passphrase changes', () => {
    const first = loadPrivateKey(locked, 'open sesame');
    assert.equal(loadPrivateKey(locked, 'open sesame'), first);
    assert.match(unusable(locked, 'another'), /wrong/);
    utimesSync(locked, new Date(), new Date(Date.now() - 60_000));
    const second = loadPrivateKey(locked, 'open sesame');
    assert.notEqual(second, first);
    assert.equal(second.fingerprint, first.fingerprint);
  });

  it('signs so that the public key verifies', () => {
    const data = Buffer.from('what is signed');
    for (const { options, hash } of [
      { options: ['-t', 'ed25519'], hash: null },
      { options: ['-t', 'ecdsa'], hash: 'sha256' },
      { options: ['-t', 'rsa', '-b', '2048'], hash: 'sha512' },
    ]) {
      const { usable } = loadPrivateKey(keygen(...options, '-N', ''), null);
      assert.ok(usable);
      const signature = usable.sign(data, hash ?? undefined);
      assert.ok(verify(hash, data, createPublicKey(usable.getPublicPEM()), signature), options.join(' '));
    }
  });
});

describe('a signature without the name of a hash', () => {
  const data = Buffer.from('what is signed');
  for (const [namedCurve, hash] of [
    ['P-256', 'sha256'],
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
  ] as const) {
    it(`is over ${hash} for ${namedCurve}`, () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const { usable } = decodeLoginKey(String(privateKey.export({ type: 'pkcs8', format: 'pem' })), null);
      assert.ok(usable !== null && verify(hash, data, publicKey, usable.sign(data)));
    });
  }
  it('is none for RSA, as one over SHA-1 is', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { usable } = decodeLoginKey(String(privateKey.export({ type: 'pkcs1', format: 'pem' })), null);
    for (const hash of [undefined, 'sha1']) {
      const signed: unknown = usable?.sign(data, hash);
      assert.match(
        String(signed),
        /takes RSA keys with SHA-1 alone \(ssh-rsa\), which is not used; take an Ed25519 key/,
      );
    }
  });
});

function sshPublic(): { readonly publicKey: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: decodeLoginKey(opensshPrivateKey(privateKey), null).publicBlob.toString('base64') };
}

describe('opensshPrivateKey', () => {
  it('is read by ssh-keygen and by us, for many keys', () => {
    for (let round = 0; round < 200; round += 1) {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const key = decodeLoginKey(opensshPrivateKey(privateKey), null);
      const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
      assert.ok(key.publicBlob.subarray(-32).equals(point));
      if (round > 0) continue;
      const file = path.join(dir, 'ours');
      writeFileSync(file, opensshPrivateKey(privateKey), { mode: 0o600 });
      const printed = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
      assert.equal(printed.trim().split(' ')[1], key.publicBlob.toString('base64'));
    }
  });
});

describe('the first OpenSSH key of a file counts, as for ssh', () => {
  const [one, other] = [keygen('-t', 'ed25519', '-N', ''), keygen('-t', 'ed25519', '-N', '')];
  const [text, next] = [one, other].map((file) => readFileSync(file, 'utf8')) as [string, string];
  const expected = decodeLoginKey(text, null).fingerprint;
  const cases = { 'lines behind it': `${text}-----BEGIN CERTIFICATE-----\nAAAA\n`, 'another key': text + next };
  for (const [what, whole] of Object.entries(cases)) {
    it(what, () => assert.equal(decodeLoginKey(whole, null).fingerprint, expected));
    it(`${what}, with CRLF`, () => {
      assert.equal(decodeLoginKey(whole.replaceAll('\n', '\r\n'), null).fingerprint, expected);
    });
  }
});
