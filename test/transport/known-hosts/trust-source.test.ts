import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fingerprint, hostKeyOf, type HostKey } from '../../../src/transport/known-hosts/fingerprint.ts';
import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { decodeLoginKey } from '../../../src/transport/credentials/private-key.ts';
import { parseTrustSource } from '../../../src/transport/known-hosts/trust-source.ts';

function newKey(): HostKey {
  const key = hostKeyOf(decodeLoginKey(generateHostKey(), null).publicBlob);
  assert.ok(key);
  return key;
}
const [first, second] = [newKey(), newKey()];
const print = fingerprint(first.key);
const web = { client: 'web-1', address: 'Web-1.example.org', port: 22 };
const db = { client: 'db', address: '192.0.2.7', port: 2222 };

describe('parseTrustSource', () => {
  it('takes lines of known_hosts, by address or by the client’s name', () => {
    const lines = [`web-1.example.org ${first.type} ${first.key}`, `db ${second.type} ${second.key}`];
    const source = parseTrustSource(lines.join('\n'), 'f');
    assert.deepEqual(source.keys(web), [first]);
    assert.deepEqual(source.keys(db), [second]);
    assert.deepEqual(source.fingerprints(web), [print]);
    assert.deepEqual(source.notes, []);
  });

  it('takes the port for what it is', () => {
    const source = parseTrustSource(
      `192.0.2.7 ${first.type} ${first.key}\n[192.0.2.7]:2222 ${second.type} ${second.key}`,
      'f',
    );
    assert.deepEqual(source.keys(db), [second]);
  });

  const spellings = ['web-1', 'WEB-1', 'web-1.example.org', 'web-1.example.org:22', 'other,web-1'];
  for (const name of spellings) {
    it(`takes a fingerprint under ${name}`, () => {
      const source = parseTrustSource(`# checked by phone\n${name}   ${print}\n`, 'f');
      assert.deepEqual(source.fingerprints(web), [print]);
      assert.deepEqual(source.keys(web), []);
      assert.deepEqual(source.fingerprints(db), []);
    });
  }
  for (const name of ['192.0.2.7:2222', '[192.0.2.7]:2222', '192.0.2.7', 'db']) {
    it(`takes a fingerprint under ${name}`, () => {
      assert.deepEqual(parseTrustSource(`${name} ${print}`, 'f').fingerprints(db), [print]);
    });
  }

  it('takes every fingerprint of a name, each once', () => {
    const other = fingerprint(second.key);
    const source = parseTrustSource(`web-1 ${print}\nweb-1 ${other}\nweb-1.example.org ${print}\n`, 'f');
    assert.deepEqual(source.fingerprints(web), [print, other]);
  });

  it('takes what ssh-keygen -l prints', () => {
    const source = parseTrustSource(`256 ${print} web-1 (ED25519)\n`, 'f');
    assert.deepEqual(source.fingerprints(web), [print]);
  });

  it('never vouches for a revoked key', () => {
    const line = `${first.type} ${first.key}`;
    const source = parseTrustSource(`web-1 ${line}\n@revoked web-1 ${line}\n`, 'f');
    assert.deepEqual([source.keys(web), source.fingerprints(web)], [[], []]);
    const withPort = parseTrustSource(`[192.0.2.7]:2222 ${line}\n@revoked 192.0.2.7 ${line}\n`, 'f');
    assert.deepEqual([withPort.keys(db), withPort.fingerprints(db)], [[], []]);
  });

  it('names what it passes over, with its line', () => {
    const text = ['web-1 SHA256:short', print, 'web-1 MD5:00:11', '', `web-1 ${print}`].join('\n');
    const source = parseTrustSource(text, '/tmp/f');
    const found = source.notes.map((note) => note.replace(/:.*/, ''));
    assert.deepEqual(found, ['/tmp/f line 1', '/tmp/f line 2', '/tmp/f line 3']);
    assert.deepEqual(source.fingerprints(web), [print]);
  });
});
