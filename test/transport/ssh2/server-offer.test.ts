import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import fc from 'fast-check';

import { serverOffer, sharesNoAlgorithm } from '../../../src/transport/ssh2/server-offer.ts';

const noKey = 'Handshake failed: no matching host key format';
const noCipher = 'Handshake failed: no matching S->C cipher';

function beginning(...lists: readonly string[]): string {
  const parts = lists.map((list) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(list.length);
    return `${length.toString('latin1')}${list}`;
  });
  return `Welcome\r\nSSH-2.0-old\r\n\0\0\0\x99\x04\x14${'c'.repeat(16)}${parts.join('')}`;
}

describe('a handshake without a common algorithm names what the server offers', () => {
  const whole = beginning('kex-a', 'ssh-dss,ssh-rsa', 'c2s', 'arcfour');
  const cases: readonly (readonly [string, string, string])[] = [
    [noKey, whole, '; the client offers ssh-dss, ssh-rsa'],
    [noCipher, whole, '; the client offers arcfour'],
    [noKey, beginning('kex-a', ''), '; the client offers nothing'],
    [noKey, beginning('kex-a', 'a\u001b[1m,b'), '; the client offers b'],
    [noKey, beginning('kex-a', Array(50).fill('x').join(',')), `; the client offers ${Array(10).fill('x').join(', ')}`],
    [noKey, beginning('kex-a', `${'x'.repeat(64)},${'y'.repeat(65)},,z`), `; the client offers ${'x'.repeat(64)}, z`],
    [noKey, whole.slice(0, whole.indexOf('ssh-rsa') + 7), '; the client offers ssh-dss, ssh-rsa'],
    [noKey, whole.slice(0, whole.indexOf('ssh-rsa') + 6), ''],
    [noKey, whole.slice(0, whole.indexOf('ssh-dss')), ''],
    [noKey, whole.replace('\x04\x14', '\x04\x15'), ''],
    [noKey, whole.slice(0, 50), ''],
    [noKey, 'SSH-2.0-x\r\n', ''],
    ['the client closed the connection', whole, ''],
  ];
  for (const [message, text, says] of cases) {
    it(JSON.stringify([message, says]), () => assert.equal(serverOffer(message, text), says));
  }
});

test('each list of an offer is found by the words of ssh2, and compression alone needs no other transport', () => {
  const names = ['key exchange algorithm', 'host key format', 'C->S cipher', 'S->C cipher', 'C->S MAC', 'S->C MAC'];
  const lists = [...names, 'C->S compression', 'S->C compression'];
  const whole = beginning(...lists.map((_, index) => `list-${index}`));
  for (const [index, list] of lists.entries()) {
    const message = `Handshake failed: no matching ${list}`;
    assert.equal(serverOffer(message, whole), `; the client offers list-${index}`);
    assert.equal(sharesNoAlgorithm(message), names.includes(list), list);
  }
  assert.equal(sharesNoAlgorithm('Handshake failed: no matching'), false);
});

test('whatever a server sends, the offer is one short line', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some).toString('latin1'));
  fc.assert(
    fc.property(bytes, (text) => {
      assert.match(serverOffer(noKey, `SSH-2.0-x\r\n\0\0\0\0\0\x14${text}`), /^[ -~]{0,700}$/);
    }),
    { numRuns: 200 },
  );
});
