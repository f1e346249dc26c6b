import assert from 'node:assert/strict';
import { test } from 'node:test';

import { groupExchange, usualKeyExchanges } from '../../../src/config/values/key-exchanges.ts';
import { offeredKeyExchanges } from '../../../src/transport/route/offered-key-exchanges.ts';

test('names are added, left out and asked for first as KexAlgorithms has them', () => {
  const usual = [...usualKeyExchanges];
  const without = (...names: readonly string[]): readonly string[] => usual.filter((name) => !names.includes(name));
  const group16 = 'diffie-hellman-group16-sha512';
  const cases: readonly (readonly [string | null, readonly string[]])[] = [
    [null, usual],
    [groupExchange, [groupExchange]],
    [`${group16},curve25519-sha256`, [group16, 'curve25519-sha256']],
    [`+${groupExchange},${group16}`, [...usual, groupExchange]],
    [`^${group16}`, [group16, ...without(group16)]],
    [`-${group16}`, without(group16)],
    ['-ecdh-*,diffie-hellman-group1?-*', usual.filter((name) => name.startsWith('curve'))],
    ['ecdh-sha2-nistp*', usual.filter((name) => name.startsWith('ecdh'))],
    ['+*', [...usual, groupExchange]],
    ['sntrup761x25519-sha512@openssh.com,curve25519-sha256', ['curve25519-sha256']],
    ['mlkem768x25519-sha256', []],
    ['diffie-hellman-group18-sha512,diffie-hellman-group1-sha1', []],
    ['-*', []],
    ['', []],
  ];
  for (const [said, names] of cases) assert.deepEqual(offeredKeyExchanges(said), names, String(said));
});
