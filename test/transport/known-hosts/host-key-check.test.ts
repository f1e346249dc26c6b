/** Each answer to the key that a server shows, from lines of known_hosts. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { fingerprint, hostKeyOf } from '../../../src/transport/known-hosts/fingerprint.ts';
import { checkHostKey, needsHostCertificate } from '../../../src/transport/known-hosts/host-key-check.ts';
import { parseKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { tempFolder } from '../../support/temp-folder.ts';

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const blobOf = (type: string, key: string): Buffer => Buffer.concat([field(type), field(key)]);
const [own, other] = [blobOf('ssh-ed25519', 'own'), blobOf('ssh-ed25519', 'other')];
const ecdsa = blobOf('ecdsa-sha2-nistp256', 'own');
const rsa = Buffer.concat([field('ssh-rsa'), field(Buffer.from([1, 0, 1])), field(Buffer.alloc(256, 0x7f))]);
const dear = Buffer.concat([field('ssh-rsa'), field(Buffer.from([1, 0, 1])), field(Buffer.alloc(1025, 0x7f))]);

const lineOf = (names: string, blob: Buffer, marker = ''): string =>
  `${marker}${names} ${hostKeyOf(blob)?.type ?? ''} ${blob.toString('base64')}`;
const print = (blob: Buffer): string => fingerprint(blob);

/** Prepares a check by lines of the file kh. */
function checkBy(lines: readonly string[], more: { readonly knownAs?: string; readonly accepts?: boolean } = {}) {
  const { knownAs = 'web-1', accepts = false } = more;
  const knownHosts = parseKnownHosts(`${lines.join('\n')}\n`, 'kh');
  const policy = accepts ? ('accept-new' as const) : ('strict' as const);
  return checkHostKey({ client: 'web 1', knownAs, knownHosts, policy });
}

const told = (fault: FleetError | null): readonly string[] =>
  fault === null ? [] : [fault.code, fault.message, fault.advice];

/** Lines of known_hosts, the key that is shown, and the code of the fault with words of it; null if it is accepted. */
const answers: readonly {
  readonly what: string;
  readonly lines: readonly string[];
  readonly shown: Buffer;
  readonly code: string | null;
  readonly words?: RegExp;
  readonly knownAs?: string;
  readonly accepts?: boolean;
}[] = [
  { what: 'a known key', lines: [lineOf('web-1', own)], shown: own, code: null },
  { what: 'one of two known keys', lines: [lineOf('web-1', other), lineOf('web-1', own)], shown: own, code: null },
  {
    what: 'another key of the same type',
    lines: ['# two lines', lineOf('web-1', own), lineOf('web-1', ecdsa)],
    shown: other,
    code: 'host-key-changed',
    words: /^web-1 shows ED25519 SHA256:\S+, but kh says ED25519 SHA256:\S+ \(line 2\)$/,
  },
  {
    what: 'a key of a type that is not known',
    lines: [lineOf('web-1', own), lineOf('web-1', rsa)],
    shown: ecdsa,
    code: 'host-key-changed',
    words: /^web-1 shows ECDSA \S+, but kh says ED25519 \S+ \(line 1\) or kh says RSA \S+ \(line 2\)$/,
  },
  { what: 'no line', lines: [], shown: own, code: 'host-key-unknown', words: /; kh has no key for it$/ },
  { what: 'no line, where new keys are accepted', lines: [], shown: own, code: null, accepts: true },
  {
    what: 'a changed key, where new keys are accepted',
    lines: [lineOf('web-1', own)],
    shown: other,
    code: 'host-key-changed',
    accepts: true,
  },
  {
    what: 'a revoked key that is known',
    lines: [lineOf('web-1', own), lineOf('*', own, '@revoked ')],
    shown: own,
    code: 'host-key-revoked',
    words: /^ED25519 \S+ is marked @revoked in kh line 2$/,
  },
  {
    what: 'a revoked key of another host',
    lines: [lineOf('web-1', own), lineOf('x', own, '@revoked ')],
    shown: own,
    code: null,
  },
  {
    what: 'a host that a certificate authority vouches for',
    lines: ['', lineOf('web-*', other, '@cert-authority ')],
    shown: own,
    code: 'host-key-unknown',
    words: /by a certificate authority alone \(kh line 2\), which ssh2 cannot check$/,
    accepts: true,
  },
  {
    what: 'a known key beside an authority',
    lines: [lineOf('web-1', own), lineOf('*', other, '@cert-authority ')],
    shown: own,
    code: null,
  },
  {
    what: 'the key of a line without the port',
    lines: [lineOf('web-1', own)],
    shown: own,
    code: null,
    knownAs: '[web-1]:2222',
  },
  {
    what: 'another key than that of a line without the port',
    lines: [lineOf('web-1', own)],
    shown: other,
    code: 'host-key-unknown',
    knownAs: '[web-1]:2222',
  },
  {
    what: 'the key of a line without the port, where one has the port',
    lines: [lineOf('web-1', own), lineOf('[web-1]:2222', other)],
    shown: own,
    code: 'host-key-changed',
    knownAs: '[web-1]:2222',
  },
  {
    what: 'a key that was revoked for every port',
    lines: [lineOf('[web-1]:2222', own), lineOf('web-1', own, '@revoked ')],
    shown: own,
    code: 'host-key-revoked',
    knownAs: '[web-1]:2222',
  },
  {
    what: 'bytes that are no key',
    lines: [],
    shown: Buffer.from('?'),
    code: 'handshake-failed',
    words: /cannot be read/,
  },
  {
    what: 'a key that is dear to compute with',
    lines: [lineOf('web-1', dear)],
    shown: dear,
    code: 'handshake-failed',
    words: /^the host key has \d+ bits/,
  },
];
for (const { what, lines, shown, code, words = /./, ...more } of answers) {
  test(`${what}: ${code ?? 'accepted'}`, () => {
    const fault = checkBy(lines, more).check(shown);
    assert.equal(fault?.code ?? null, code, fault?.message);
    if (fault === null) return;
    assert.match(fault.message, words);
    assert.deepEqual([fault.client, fault.stage], ['web 1', 'handshake']);
  });
}

test('the advice is the command that trusts, and the one that replaces, in the words of a shell', () => {
  assert.match(told(checkBy([]).check(own))[2] ?? '', /fleet-health trust 'web 1'/);
  assert.match(told(checkBy([lineOf('web-1', own)]).check(other))[2] ?? '', /trust --replace 'web 1'/);
  assert.match(
    told(checkBy([lineOf('*', other, '@cert-authority ')]).check(own))[2] ?? '',
    /transport="openssh" or "auto"/,
  );
});

test('the key of a changed host is named with the time when it was first seen', () => {
  const line = `${lineOf('web-1', own)} first-seen=2026-11-20T10:00:00Z`;
  const [, message = ''] = told(checkBy([line]).check(other));
  assert.ok(message.endsWith(`kh says ED25519 ${print(own)} (line 1, first seen 2026-11-20 10:00 UTC)`), message);
});

test('the key of a connection stays the same when it is negotiated anew', () => {
  const check = checkBy([lineOf('web-1', own), lineOf('web-1', other)]);
  assert.equal(check.check(own), null);
  assert.equal(check.check(own), null);
  const [code, message] = told(check.check(other));
  assert.deepEqual([code, message], ['host-key-changed', `web-1 shows ED25519 ${print(other)} after another key`]);
});

const all = [
  ...['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ...['rsa-sha2-512', 'rsa-sha2-256'],
];
const orders: readonly (readonly [what: string, lines: readonly string[], first: readonly string[]])[] = [
  ['nothing is known', [], []],
  ['RSA', [lineOf('web-1', rsa)], ['rsa-sha2-512', 'rsa-sha2-256']],
  [
    'RSA before ECDSA, whatever the order of the lines',
    [lineOf('web-1', rsa), lineOf('web-1', ecdsa)],
    ['ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'],
  ],
  ['a type that is not asked for', [lineOf('web-1', blobOf('ssh-dss', 'x'))], []],
  ['a revoked one', [lineOf('web-1', ecdsa), lineOf('web-1', ecdsa, '@revoked ')], []],
];
for (const [what, lines, first] of orders) {
  test(`the algorithms of known keys are asked for first: ${what}`, () => {
    assert.deepEqual(checkBy(lines).algorithms, [...first, ...all.filter((name) => !first.includes(name))]);
  });
}

test('a new key is written once the server has proved that it has it, once, and not if it is there already', (t) => {
  const file = path.join(tempFolder(t), 'known_hosts');
  const knownHosts = parseKnownHosts('', file);
  const question = { client: 'web-1', knownAs: 'web-1', knownHosts, policy: 'accept-new' } as const;
  const [one, two] = [checkHostKey(question), checkHostKey(question)];
  for (const check of [one, two]) assert.equal(check.check(own), null);
  assert.equal(existsSync(file), false, 'not before the proof');
  one.proved();
  one.proved();
  two.proved();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^web-1 ssh-ed25519 \S+ first-seen=\d{4}-/);
  assert.equal(checkHostKey({ ...question, policy: 'strict' }).check(own), null);
});

test('a new key that cannot be written is a fault', (t) => {
  const file = path.join(tempFolder(t), 'known_hosts');
  mkdirSync(file);
  const knownHosts = parseKnownHosts('', file);
  const check = checkHostKey({ client: 'web-1', knownAs: 'web-1', knownHosts, policy: 'accept-new' });
  assert.equal(check.check(own), null);
  assert.throws(() => check.proved(), {
    code: 'host-key-unknown',
    message: /is new and cannot be written to \S+: EISDIR/,
  });
});

test('a host needs a certificate if authorities alone are known of it', () => {
  const needs = (knownAs: string, ...lines: readonly string[]): boolean =>
    needsHostCertificate({ knownAs, knownHosts: parseKnownHosts(lines.join('\n'), 'kh') });
  const authority = lineOf('*', other, '@cert-authority ');
  assert.equal(needs('web-1'), false);
  assert.equal(needs('web-1', authority), true);
  assert.equal(needs('web-1', authority, lineOf('web-1', own)), false);
  assert.equal(needs('[web-1]:2222', authority, lineOf('web-1', own)), false);
  assert.equal(needs('[web-1]:2222', lineOf('web-1', other, '@cert-authority ')), true);
  assert.equal(needs('web-1', authority, lineOf('*', other, '@revoked ')), false);
});
