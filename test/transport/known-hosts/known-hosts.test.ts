import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

import { fingerprint, hostKeyOf, keyTypeName } from '../../../src/transport/known-hosts/fingerprint.ts';
import { hostsMatch } from '../../../src/transport/known-hosts/known-hosts-line.ts';
import { hostName, joinKnownHosts, loadKnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { parseKnownHosts, type KnownHosts } from '../../../src/transport/known-hosts/known-hosts.ts';
import { pluck } from '../../support/pluck.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();

function makeKey(type: string): string {
  const file = path.join(dir, `key-${String(Math.random()).slice(2)}`);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', '', '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8').trim();
}
const ed25519 = makeKey('ed25519');
const ecdsa = makeKey('ecdsa');
const rsa = makeKey('rsa');
const blobOf = (line: string): string => line.split(' ')[1] ?? '';

describe('hostName', () => {
  const cases = [
    { address: 'web-1', port: 22, expected: 'web-1' },
    { address: 'Web-1.Example.ORG', port: 22, expected: 'web-1.example.org' },
    { address: 'web-1', port: 2222, expected: '[web-1]:2222' },
    { address: '::1', port: 22, expected: '::1' },
    { address: '2001:DB8::1', port: 2222, expected: '[2001:db8::1]:2222' },
  ];
  for (const { address, port, expected } of cases) {
    it(expected, () => assert.equal(hostName(address, port), expected));
  }
});

describe('hostsMatch', () => {
  const cases = [
    { pattern: 'web-1', name: 'web-1', expected: true },
    { pattern: 'web-1', name: 'web-10', expected: false },
    { pattern: 'WEB-1', name: 'web-1', expected: true },
    { pattern: 'web-1,192.0.2.1', name: '192.0.2.1', expected: true },
    { pattern: '*.example.org', name: 'web.example.org', expected: true },
    { pattern: '*.example.org', name: 'example.org', expected: false },
    { pattern: '*.example.org', name: 'web.example.organ', expected: false },
    { pattern: 'web-?', name: 'web-1', expected: true },
    { pattern: 'web-?', name: 'web-10', expected: false },
    { pattern: '*', name: 'anything', expected: true },
    { pattern: '*,!web-1', name: 'web-1', expected: false },
    { pattern: '!web-1,*', name: 'web-1', expected: false },
    { pattern: '*,!web-1', name: 'web-2', expected: true },
    { pattern: '!web-1', name: 'web-2', expected: false },
    { pattern: '[*]:2222', name: '[web-1]:2222', expected: true },
    { pattern: '[web-1]:2222', name: '[web-1]:2222', expected: true },
    { pattern: '[web-1]:2222', name: '[web-1]:2223', expected: false },
    { pattern: 'web.1', name: 'webx1', expected: false },
    { pattern: 'web-1', name: '[web-1]:2222', expected: false },
    { pattern: '|1|', name: 'web-1', expected: false },
    { pattern: '|1||', name: 'web-1', expected: false },
    { pattern: '|2|c2FsdA==|aGFzaA==', name: 'web-1', expected: false },
  ];
  for (const { pattern, name, expected } of cases) {
    it(`${pattern} ${expected ? 'holds' : 'does not hold'} for ${name}`, () => {
      assert.equal(hostsMatch(pattern, name), expected);
    });
  }

  it('many wildcards do not make a name expensive', () => {
    // With exponential time this test would not end.
    assert.equal(hostsMatch(`${'*a'.repeat(60)}b`, 'a'.repeat(255)), false);
  });
});

describe('a known_hosts file', () => {
  it('holds several keys of a host, with their lines', () => {
    const known = parseKnownHosts(`# comment\n\nweb-1 ${ed25519}\nweb-1,web-2 ${rsa} some comment\n`, 'f');
    const found = known.lookup('web-1').keys.map(({ type, line }) => `${type} ${line}`);
    assert.deepEqual(found, ['ssh-ed25519 3', 'ssh-rsa 4']);
    assert.equal(known.lookup('web-2').keys.length, 1);
    assert.deepEqual(known.lookup('web-3'), { keys: [], revoked: [], authorities: [] });
    assert.deepEqual(known.notes, []);
  });

  it('takes CRLF, tabs and leading blanks', () => {
    const known = parseKnownHosts(`  web-1\t${ed25519.replace(' ', '\t')}\r\nweb-2   ${rsa}\r\n`, 'f');
    assert.equal(known.lookup('web-1').keys[0]?.key, blobOf(ed25519));
    assert.equal(known.lookup('web-2').keys[0]?.key, blobOf(rsa));
  });

  it('keeps revoked keys apart', () => {
    const known = parseKnownHosts(`@revoked * ${rsa}\nweb-1 ${ed25519}\n`, 'f');
    const { keys, revoked } = known.lookup('web-1');
    assert.deepEqual([pluck(keys, 'type'), pluck(revoked, 'type')], [['ssh-ed25519'], ['ssh-rsa']]);
  });

  it('keeps certificate authorities apart', () => {
    const known = parseKnownHosts(`@cert-authority *.example.org ${rsa}\na.example.org ${ed25519}\n`, 'f');
    const { keys, authorities } = known.lookup('a.example.org');
    assert.deepEqual([pluck(keys, 'line'), pluck(authorities, 'line')], [[2], [1]]);
    assert.deepEqual(known.notes, []);
  });

  it('reads when a key was first seen, from the comments written here alone', () => {
    const comments: readonly (readonly [string, number | null])[] = [
      ['first-seen=2026-11-20T10:00:00Z', Date.UTC(2026, 10, 20, 10)],
      ['root@web-1 first-seen=2026-11-20T10:00:00Z', Date.UTC(2026, 10, 20, 10)],
      ['first-seen=2026-13-45T10:00:00Z', null],
      ['first-seen=yesterday', null],
      ['2026-11-20T10:00:00Z', null],
      ['', null],
    ];
    for (const [comment, expected] of comments) {
      const known = parseKnownHosts(`web-1 ${ed25519} ${comment}\n`, 'f');
      assert.equal(known.lookup('web-1').keys[0]?.firstSeenMs, expected, comment);
    }
  });

  it('joined with others is asked as one, and added to as the first', () => {
    const [own, system] = [path.join(dir, 'own'), path.join(dir, 'system')];
    writeFileSync(own, `web-1 ${ed25519}\n`);
    writeFileSync(system, `web-1 ${rsa}\n@revoked * ${ecdsa}\nnonsense\n`);
    const known = joinKnownHosts(...([own, system].map(loadKnownHosts) as [KnownHosts, KnownHosts]));
    const { keys, revoked } = known.lookup('web-1');
    const found = [...keys, ...revoked].map(({ file, line }) => `${file} ${line}`);
    assert.deepEqual(found, [`${own} 1`, `${system} 1`, `${system} 2`]);
    assert.deepEqual(
      { path: known.path, files: known.files, notes: known.notes.length },
      { path: own, files: [own, system], notes: 1 },
    );
    known.add('web-2', { type: 'ssh-rsa', key: blobOf(rsa) }, 0);
    assert.equal(known.lookup('web-2').keys[0]?.file, own);
    assert.match(readFileSync(own, 'utf8'), /\nweb-2 ssh-rsa /);
  });

  it('names what it passes over', () => {
    const text = [
      `|1|c2FsdA==|aGFzaA== ${ed25519}`,
      `@unknown web-1 ${ed25519}`,
      'web-1 ssh-ed25519',
      'web-1 ssh-ed25519 AAAAnotakey',
      `web-1 ssh-rsa ${blobOf(ed25519)}`,
      'web-1 1024 35 1234567890',
      `web-1 ${ed25519}`,
    ].join('\n');
    const known = parseKnownHosts(text, '/etc/kh');
    assert.equal(known.lookup('web-1').keys.length, 1);
    const listed = known.notes.map((note) => note.replace(/:.*/, ''));
    const expected = [1, 2, 3, 4, 5, 6].map((line) => `/etc/kh line ${line}`);
    assert.deepEqual(listed, expected);
  });

  it('finds names that ssh-keygen -H has hashed', () => {
    const file = path.join(dir, 'hashed');
    writeFileSync(file, `web-1,192.0.2.1 ${ed25519}\n[web-2]:2222 ${ecdsa}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    assert.ok(!readFileSync(file, 'utf8').includes('web-1'));
    const known = loadKnownHosts(file);
    for (const name of ['web-1', 'WEB-1', '192.0.2.1']) {
      assert.equal(known.lookup(name).keys[0]?.key, blobOf(ed25519), name);
    }
    assert.equal(known.lookup(hostName('web-2', 2222)).keys[0]?.key, blobOf(ecdsa));
    assert.equal(known.lookup('web-2').keys.length, 0);
  });

  it('finds the same as ssh-keygen -F', () => {
    const file = path.join(dir, 'compared');
    const lines = [`*.org,!b.org ${ed25519}`, `a.org ${ecdsa}`, `[a.org]:2222 ${rsa}`, `A.org,b.org ${rsa}`];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const known = loadKnownHosts(file);
    for (const name of ['a.org', 'b.org', 'c.org', '[a.org]:2222', '[a.org]:2223', 'a.com']) {
      // The status is 1 if no key was found.
      const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
      const theirs = Array.from(stdout.matchAll(/found: line (\d+)/g), ([, line]) => Number(line));
      assert.deepEqual(pluck(known.lookup(name).keys, 'line').toSorted(), theirs.sort(), name);
    }
  });

  it('that does not exist holds no keys, and is made by add with mode 0600', () => {
    const file = path.join(dir, 'new', 'known_hosts');
    const known = loadKnownHosts(file);
    const key = { type: 'ssh-ed25519', key: blobOf(ed25519) };
    const nowMs = Date.UTC(2026, 10, 20, 10, 0, 0);
    known.add('[web-1]:2222', key, nowMs);
    assert.equal(readFileSync(file, 'utf8'), `[web-1]:2222 ${ed25519} first-seen=2026-11-20T10:00:00Z\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const reader of [known, loadKnownHosts(file)]) {
      assert.deepEqual(reader.lookup('[web-1]:2222').keys, [{ ...key, file, line: 1, firstSeenMs: nowMs }]);
    }
    known.add('web-2', key, nowMs);
    for (const reader of [known, loadKnownHosts(file)]) assert.equal(reader.lookup('web-2').keys[0]?.line, 2);
  });

  it('whose last line is not finished is not damaged by add', () => {
    const file = path.join(dir, 'unfinished');
    writeFileSync(file, `web-1 ${ed25519}`);
    loadKnownHosts(file).add('web-2', { type: 'ssh-rsa', key: blobOf(rsa) }, 0);
    const known = loadKnownHosts(file);
    assert.deepEqual([known.lookup('web-1').keys.length, known.lookup('web-2').keys.length], [1, 1]);
    assert.deepEqual(known.notes, []);
  });

  it('that cannot be read is an error, never an empty file', () => {
    assert.throws(() => loadKnownHosts(dir), {
      ...{ name: 'FleetError', code: 'state-unusable', stage: 'handshake' },
      message: /^known hosts cannot be read: EISDIR/,
    });
  });

  it('finds each of ten thousand names', () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `[10.0.${index >> 8}.${index & 255}]:2222 ${ed25519}\n`);
    const known = parseKnownHosts(lines.join(''), 'f');
    for (let index = 0; index < 10_000; index += 1) {
      assert.equal(known.lookup(`[10.0.${index >> 8}.${index & 255}]:2222`).keys.length, 1);
    }
  });
});

describe('fingerprints', () => {
  for (const line of [ed25519, ecdsa, rsa]) {
    it(`are those of ssh-keygen: ${line.slice(0, 20)}`, () => {
      const file = path.join(dir, 'one.pub');
      writeFileSync(file, `${line}\n`);
      const listed = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).trim().split(' ');
      const key = hostKeyOf(Buffer.from(blobOf(line), 'base64'));
      assert.ok(key);
      assert.equal(fingerprint(key.key), listed[1]);
      assert.equal(`(${keyTypeName(key.type)})`, listed.at(-1));
    });
  }

  it('damaged blobs are no keys', () => {
    for (const blob of ['', 'AAAA', 'AAAAC3NzaC1lZDI1NTE5', '/////3NzaC1lZDI1NTE5AAAA', 'AAAAAAAAAAA=']) {
      assert.equal(hostKeyOf(Buffer.from(blob, 'base64')), null, blob);
    }
  });
});
