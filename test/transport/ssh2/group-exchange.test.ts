/** The bounds of a group that the server chooses for a key exchange, and of the server's number in it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { groupFault, isWithin } from '../../../src/transport/ssh2/group-exchange.ts';

/** Returns a number of some bits with leading zeros, whose last byte is given. */
function numberOf(bits: number, last: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(bits / 8) + 2);
  bytes[bytes.length - Math.ceil(bits / 8)] = 1 << ((bits - 1) % 8);
  bytes[bytes.length - 1] = last;
  return bytes;
}

describe('a group', () => {
  const table: readonly (readonly [bits: number, last: number, generator: string, fault: string | null])[] = [
    [2048, 1, '02', null],
    [2048, 3, '05', null],
    [4096, 1, '0002', null],
    [2047, 1, '02', 'has 2047 bits, not 2048 to 4096'],
    [4097, 1, '02', 'has 4097 bits, not 2048 to 4096'],
    [2048, 2, '02', 'is even'],
    [2048, 1, '', 'has an unusual generator'],
    [2048, 1, '00', 'has an unusual generator'],
    [2048, 1, '01', 'has an unusual generator'],
    [2048, 1, '0000ffffff', null],
    [2048, 1, '01000000', 'has an unusual generator'],
  ];
  for (const [bits, last, generator, fault] of table) {
    it(`of ${bits} bits, ending in ${last}, with generator ${generator}: ${fault ?? 'none'}`, () => {
      assert.equal(groupFault(numberOf(bits, last), Buffer.from(generator, 'hex')), fault);
    });
  }
});

describe('the number of the server in a group of 23', () => {
  const table: readonly (readonly [number: string, isWithin: boolean])[] = [
    ['', false],
    ['00', false],
    ['01', false],
    ['02', true],
    ['0002', true],
    ['15', true],
    ['16', false],
    ['17', false],
    ['0102', false],
  ];
  for (const [number, expected] of table) {
    it(`${number || 'nothing'} is ${expected ? '' : 'not '}taken`, () => {
      assert.equal(isWithin(Buffer.from(number, 'hex'), Buffer.from('0017', 'hex')), expected);
    });
  }
});
