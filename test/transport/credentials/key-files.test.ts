// Second tier: each damage of each format, with ssh-keygen.
/** Key files as people have them, against ssh-keygen: each is read as the same key, or refused with what mends it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { loadPrivateKey } from '../../../src/transport/credentials/private-key.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();
const passphrase = 'open sesame';

function keygen(name: string, ...options: readonly string[]): string {
  const file = path.join(dir, name);
  execFileSync('ssh-keygen', ['-q', '-C', '', '-a', '2', ...options, '-f', file]);
  return readFileSync(file, 'utf8');
}

/** Returns the public half of a key file by ssh-keygen. Returns null for a file that it does not read. */
function theirs(file: string, secret: string | null): string | null {
  const args = ['-y', '-P', secret ?? '', '-f', file];
  const { status, stdout } = spawnSync('ssh-keygen', args, { encoding: 'utf8' });
  return status === 0 ? (stdout.trim().split(' ')[1] ?? null) : null;
}

/** Returns the public half of a key file, or the reason and the remedy with the file as FILE. */
function ours(file: string, secret: string | null): string {
  try {
    const { usable, publicBlob } = loadPrivateKey(file, secret);
    return usable === null ? 'a public key' : publicBlob.toString('base64');
  } catch (thrown) {
    assert.ok(thrown instanceof FleetError, String(thrown));
    return `${thrown.message.replace(`privateKey ${file}: `, '')} | ${thrown.advice.replaceAll(file, 'FILE')}`;
  }
}

let files = 0;
function written(content: string | Buffer): string {
  const file = path.join(dir, `file-${(files += 1)}`);
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

const open = ['-N', ''];
const locked = ['-N', passphrase];
const keys = {
  'OpenSSH’s format': [keygen('a', '-t', 'ed25519', ...open), null],
  'OpenSSH’s format, encrypted': [keygen('b', '-t', 'ed25519', ...locked), passphrase],
  'PEM of RSA': [keygen('c', '-t', 'rsa', '-b', '2048', '-m', 'PEM', ...open), null],
  'PEM of ECDSA, encrypted': [keygen('d', '-t', 'ecdsa', '-m', 'PEM', ...locked), passphrase],
  'PKCS#8': [keygen('e', '-t', 'ecdsa', '-m', 'PKCS8', ...open), null],
  'PKCS#8, encrypted': [keygen('f', '-t', 'ecdsa', '-m', 'PKCS8', ...locked), passphrase],
} as const;
const [other] = keys['OpenSSH’s format'];
const [otherPem] = keys['PEM of RSA'];
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const oneLine = (text: string): string => text.trim().replaceAll('\n', ' ');

/** The contents of files that ssh-keygen reads in at least one format. */
const kept: Readonly<Record<string, (text: string) => string>> = {
  'as it was made': (text) => text,
  'a certificate behind it, as in an identity file of Teleport': (text) => text + certificate,
  'text behind it': (text) => `${text}Bag Attributes\n`,
  'another key behind it': (text) => text + other,
  'a key in PEM behind it': (text) => text + otherPem,
  'NULs behind it': (text) => `${text}\0\0`,
  'empty lines before it': (text) => `\n\n${text}`,
  'a byte order mark': (text) => `\ufeff${text}`,
  CRLF: (text) => text.replaceAll('\n', '\r\n'),
  'no last line break': (text) => text.trimEnd(),
};
const damaged: Readonly<Record<string, readonly [(text: string) => string | Buffer, RegExp]>> = {
  'UTF-16': [(text) => Buffer.from(`\ufeff${text}`, 'utf16le'), /^it is UTF-16 \| Save it as plain text/],
  'line breaks as \\n': [(text) => text.replaceAll('\n', '\\n'), /^its line breaks are written as \\n \| .*printf/],
  'one line': [oneLine, /^its line breaks are lost \| Copy/],
  'line breaks of old Macs': [(text) => text.replaceAll('\n', '\r'), /^its line breaks are lost \| Copy/],
  'no last line': [(text) => text.replace(/-----END[^]*/, ''), /^its end is missing \| Copy the whole file/],
  indented: [(text) => text.replaceAll(/^(?=.)/gm, '  '), /^it has blanks at .* \| Remove the blanks/],
};
const beforeIt = (text: string): string => `# my key\n${text}`;

describe('a key file', () => {
  for (const [format, [text, secret]] of Object.entries(keys)) {
    const key = theirs(written(text), secret);
    for (const [what, change] of Object.entries(kept)) {
      it(`of ${format}: ${what}`, () => {
        const file = written(change(text));
        const read = theirs(file, secret);
        assert.equal(ours(file, secret), key);
        if (read !== null) assert.equal(read, key);
      });
    }
    for (const [what, [change, says]] of Object.entries(damaged)) {
      it(`of ${format} that ssh-keygen does not read: ${what}`, () => {
        const file = written(change(text));
        assert.equal(theirs(file, secret), null);
        const said = ours(file, secret);
        assert.match(said, says);
        assert.ok(!said.includes(text.split('\n')[1] ?? ''), said);
      });
    }
  }
  it('with text before it: read in PEM, and refused in OpenSSH’s format, as by ssh-keygen', () => {
    for (const [format, [text, secret]] of Object.entries(keys)) {
      const file = written(beforeIt(text));
      const read = theirs(file, secret);
      assert.equal(read === null, format.startsWith('OpenSSH'), format);
      if (read !== null) assert.equal(ours(file, secret), read);
      else assert.match(ours(file, secret), /^there is text before the key, .* \| Remove all text before -----BEGIN/);
    }
  });
});

describe('an encrypted key of OpenSSH', () => {
  const ciphers = execFileSync('ssh', ['-Q', 'cipher'], { encoding: 'utf8' }).trim().split('\n');
  for (const cipher of ciphers) {
    it(`by ${cipher}`, () => {
      const file = written(keygen(`by-${cipher}`, '-t', 'ed25519', '-Z', cipher, ...locked));
      const isLacking = cipher.startsWith('chacha20');
      if (!isLacking) assert.equal(ours(file, passphrase), theirs(file, passphrase));
      else {
        const says = `it is encrypted by ${cipher}, which needs transport="openssh" or another cipher`;
        assert.equal(ours(file, passphrase), `${says} | ssh-keygen -p -Z aes256-ctr -f FILE`);
        const mended = ['-p', '-q', '-Z', 'aes256-ctr', '-P', passphrase, '-N', passphrase, '-f', file];
        execFileSync('ssh-keygen', mended, { stdio: 'ignore' });
        assert.equal(ours(file, passphrase), theirs(file, passphrase));
      }
    });
  }
});

describe('a file that no server of SSH takes a key from', () => {
  const made = (name: string, ...args: readonly string[]): string => {
    const file = path.join(dir, name);
    execFileSync('openssl', [...args, '-out', file], { stdio: 'ignore' });
    chmodSync(file, 0o600);
    return file;
  };
  const folder = path.join(dir, 'folder');
  mkdirSync(folder, { mode: 0o700 });
  const another = /\| Make one with ssh-keygen -t ed25519\.$/;
  const ofSshCom =
    '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: "x"\nP2/56w==\n---- END SSH2 PRIVATE KEY ----\n';
  const rows: Readonly<Record<string, readonly [file: string, says: RegExp]>> = {
    'an empty one': [written(''), /^the file is empty \|/],
    'a folder': [folder, /^it is a folder \|/],
    'a key in base64': [written(Buffer.from(other).toString('base64')), /^it is encoded in base64 \| .*base64 -d/],
    'a key of ssh.com': [written(ofSshCom), /^it is a key of ssh\.com, .* \| Convert it: `puttygen/],
    'a curve of Bitcoin': [made('k1', 'ecparam', '-name', 'secp256k1', '-genkey', '-noout'), another],
    'RSA of 768 bits': [
      made('short', 'genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:768'),
      /^an RSA key of 768 bits is too short: .*ssh-keygen -t ed25519/,
    ],
    'RSA-PSS': [made('pss', 'genpkey', '-algorithm', 'rsa-pss'), another],
    Ed448: [made('ed448', 'genpkey', '-algorithm', 'ed448'), another],
    X25519: [made('x25519', 'genpkey', '-algorithm', 'x25519'), another],
  };
  it('reads a curve that is spelt out, as ssh-keygen does', () => {
    const file = made('spelt', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-param_enc', 'explicit');
    assert.equal(ours(file, null), theirs(file, null));
  });
  for (const [what, [file, says]] of Object.entries(rows)) {
    it(what, () => assert.match(ours(file, null), says));
  }
});
