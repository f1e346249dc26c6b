import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  firstSeenComment,
  firstSeenWords,
  hashedNameOf,
  parseKnownHostLine,
} from '../../../src/transport/known-hosts/known-hosts-line.ts';

/** Returns a key blob of a type, in base64. */
function blob(type: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.alloc(36, 1)]).toString('base64');
}
const key = `ssh-ed25519 ${blob('ssh-ed25519')}`;
const part = Buffer.alloc(20, 7).toString('base64');

const faults: readonly (readonly [text: string, says: RegExp])[] = [
  [`@unknown web-1 ${key}`, /^line 7: the marker is not known$/],
  ['web-1', /^line 7: not `host type key`$/],
  ['web-1 ssh-ed25519', /^line 7: not `host type key`$/],
  ['@revoked web-1 ssh-ed25519', /^line 7: not `host type key`$/],
  [`|1|${part}|c2FsdA== ${key}`, /^line 7: the hashed name is damaged$/],
  [`web-1 ssh-rsa ${blob('ssh-ed25519')}`, /^line 7: the key is damaged, or not of its type$/],
  ['web-1 ssh-ed25519 AAAA', /^line 7: the key is damaged, or not of its type$/],
];
for (const [text, says] of faults) {
  test(`${text.slice(0, 40)} is no line`, () => {
    const fault = parseKnownHostLine(text, 7);
    assert.ok(typeof fault === 'string');
    assert.match(fault, says);
  });
}

test('a line has its marker, its names, its key and its time; blank lines and comments are none', () => {
  for (const text of ['', '  \t', '# web-1', '  #']) assert.equal(parseKnownHostLine(text, 1), null);
  for (const marker of ['@revoked', '@cert-authority', null] as const) {
    const line = parseKnownHostLine(` ${marker ?? ''} web-1,web-2\t${key}  by ops first-seen=2026-11-20T10:00:00Z `, 3);
    assert.deepEqual(line, {
      ...{ line: 3, marker, hosts: 'web-1,web-2', firstSeenMs: Date.UTC(2026, 10, 20, 10) },
      key: { type: 'ssh-ed25519', key: blob('ssh-ed25519') },
    });
  }
});

test('the time of a key is written to the second, and read to the minute', () => {
  const atMs = Date.UTC(2026, 10, 20, 10, 5, 7, 999);
  assert.equal(firstSeenComment(atMs), 'first-seen=2026-11-20T10:05:07Z');
  assert.equal(firstSeenWords({ firstSeenMs: atMs }), ', first seen 2026-11-20 10:05 UTC');
  assert.equal(firstSeenWords({ firstSeenMs: null }), '');
  for (const comment of ['', 'first-seen=', 'first-seen=2026-13-40T99:00:00Z', 'xfirst-seen=2026-11-20T10:00:00Z']) {
    const line = parseKnownHostLine(`web-1 ${key} ${comment}`, 1);
    assert.ok(line !== null && typeof line !== 'string' && line.firstSeenMs === null, comment);
  }
});

test('a hashed name is version 1 with 20 bytes of salt and 20 of hash in canonical base64', () => {
  const other = (bytes: number): string => Buffer.alloc(bytes, 7).toString('base64');
  assert.equal(hashedNameOf(`|1|${part}|${part}`)?.salt.length, 20);
  for (const wrong of [
    `|2|${part}|${part}`,
    `|1|${other(19)}|${part}`,
    `|1|${part}|${other(21)}`,
    `|1|${part}|${part}|`,
    `|1|${part}`,
    `|1|${part}|${part.replace('=', '')}`,
    `1|${part}|${part}`,
  ]) {
    assert.equal(hashedNameOf(wrong), null, wrong);
  }
});
