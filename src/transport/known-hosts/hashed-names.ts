import { createHmac } from 'node:crypto';

import type { HashedName } from './known-hosts-line.ts';

/** Finds names among hashed ones. Every line has a salt of its own, so that each name has to be tried with each line. */
export interface HashedNames<T extends HashedName> {
  /** All that hold for the name, in their order. */
  find(name: string): readonly T[];
}

/**
 * An HMAC through node:crypto costs 2.5 us, nearly all of it for the object. The half that depends on the salt alone is
 * worked out once here, so that a name costs two compressions of SHA-1 a line, a fifth of that. A hash stands for one
 * name, so a line that was found is not tried with other names again. What is found is confirmed by node:crypto.
 */
export function indexHashedNames<T extends HashedName>(lines: readonly T[]): HashedNames<T> {
  const found = new Map<string, readonly T[]>();
  let open: readonly number[] = lines.map((_line, index) => index);
  let states: Int32Array | null = null;
  return {
    find: (name) => {
      if (lines.length === 0) return [];
      const known = found.get(name);
      if (known !== undefined) return known;
      states ??= saltStates(lines);
      const message = paddedMessage(Buffer.from(name));
      const result: T[] = [];
      const rest: number[] = [];
      for (const index of open) {
        const line = lines[index];
        if (line === undefined) continue;
        const same = firstWord(states, index * 10, message) === line.hash.readInt32BE(0);
        if (same && createHmac('sha1', line.salt).update(name).digest().equals(line.hash)) result.push(line);
        else rest.push(index);
      }
      if (result.length > 0) open = rest;
      found.set(name, result);
      return result;
    },
  };
}

const initialState = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
const blockWords = 16;

/** RFC 2104: the states of SHA-1 after the block of the key with the inner and with the outer pad; ten words a line. */
function saltStates(lines: readonly HashedName[]): Int32Array {
  const states = new Int32Array(lines.length * 10);
  const block = new Int32Array(blockWords);
  for (const [index, { salt }] of lines.entries()) {
    const key = Buffer.alloc(64);
    salt.copy(key);
    for (const [half, pad] of [0x36363636, 0x5c5c5c5c].entries()) {
      for (let word = 0; word < blockWords; word += 1) block[word] = key.readInt32BE(word * 4) ^ pad;
      compress(initialState, 0, block, 0, states, index * 10 + half * 5);
    }
  }
  return states;
}

/** The message in blocks as SHA-1 wants it at its end, behind one block that came before. */
function paddedMessage(bytes: Buffer): Int32Array {
  const length = Math.ceil((bytes.length + 9) / 64) * 64;
  const padded = Buffer.alloc(length);
  bytes.copy(padded);
  padded[bytes.length] = 0x80;
  padded.writeUInt32BE((64 + bytes.length) * 8, length - 4);
  return Int32Array.from({ length: length / 4 }, (_word, index) => padded.readInt32BE(index * 4));
}

const inner = new Int32Array(5);
const outer = new Int32Array(5);
const outerBlock = new Int32Array(blockWords);
// The inner digest has 20 bytes; they and the block of the key make 84.
outerBlock[5] = 0x80 << 24;
outerBlock[15] = 84 * 8;

/** The first word of the HMAC of a padded message. */
function firstWord(states: Int32Array, at: number, message: Int32Array): number {
  compress(states, at, message, 0, inner, 0);
  for (let block = blockWords; block < message.length; block += blockWords)
    compress(inner, 0, message, block, inner, 0);
  outerBlock.set(inner);
  compress(states, at + 5, outerBlock, 0, outer, 0);
  return outer[0] ?? 0;
}

const schedule = new Int32Array(80);

/** FIPS 180-4, section 6.1.2: one block of SHA-1. `into` may be `state`. */
function compress(state: Int32Array, at: number, block: Int32Array, from: number, into: Int32Array, to: number): void {
  // Every index is within its array; the zeros satisfy the type checker and are folded away.
  for (let word = 0; word < 16; word += 1) schedule[word] = block[from + word] ?? 0;
  for (let word = 16; word < 80; word += 1) {
    const mixed =
      (schedule[word - 3] ?? 0) ^ (schedule[word - 8] ?? 0) ^ (schedule[word - 14] ?? 0) ^ (schedule[word - 16] ?? 0);
    schedule[word] = (mixed << 1) | (mixed >>> 31);
  }
  const h0 = state[at] ?? 0;
  const h1 = state[at + 1] ?? 0;
  const h2 = state[at + 2] ?? 0;
  const h3 = state[at + 3] ?? 0;
  const h4 = state[at + 4] ?? 0;
  let a = h0;
  let b = h1;
  let c = h2;
  let d = h3;
  let e = h4;
  for (let round = 0; round < 80; round += 1) {
    // Every sum is cut to 32 bits at once, or the engine counts in floating point.
    let mixed: number;
    if (round < 20) mixed = (((b & c) | (~b & d)) + 0x5a827999) | 0;
    else if (round < 40) mixed = ((b ^ c ^ d) + 0x6ed9eba1) | 0;
    else if (round < 60) mixed = (((b & c) | (b & d) | (c & d)) - 0x70e44324) | 0;
    else mixed = ((b ^ c ^ d) - 0x359d3e2a) | 0;
    const next = (((((a << 5) | (a >>> 27)) + mixed) | 0) + ((e + (schedule[round] ?? 0)) | 0)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  into[to] = (h0 + a) | 0;
  into[to + 1] = (h1 + b) | 0;
  into[to + 2] = (h2 + c) | 0;
  into[to + 3] = (h3 + d) | 0;
  into[to + 4] = (h4 + e) | 0;
}
