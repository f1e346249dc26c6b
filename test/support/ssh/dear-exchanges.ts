/** Server halves of key exchanges whose numbers are as expensive as possible for the peer that computes with them. */
import { createDiffieHellmanGroup, createECDH, generateKeyPairSync, randomBytes } from 'node:crypto';

import { groupExchange, type KeyExchange } from '../../../src/config/values/key-exchanges.ts';

export interface DearExchange {
  /** Name-lists of RFC 4253, section 7.1. */
  readonly kex: string;
  readonly algorithm: string;
  readonly hostKey: Buffer;
  /** The server's choice: prime and generator (RFC 4419); null if the exchange has a fixed group. */
  readonly group: readonly [prime: Buffer, generator: Buffer] | null;
  /** The server's half, and its signature, which is not valid. */
  readonly point: Buffer;
  readonly signature: Buffer;
}

export const u32 = (value: number): Buffer => Buffer.of(value >>> 24, value >>> 16, value >>> 8, value);
export const wireString = (text: string | Buffer): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
const strings = (...parts: readonly (string | Buffer)[]): Buffer => Buffer.concat(parts.map(wireString));

/** Returns a positive odd number of this many bits, a multiple of eight. */
export function oddNumber(bits: number): Buffer {
  const bytes = randomBytes(bits / 8);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return Buffer.concat([Buffer.of(0), bytes]);
}

const curves = { nistp256: 'prime256v1', nistp384: 'secp384r1', nistp521: 'secp521r1' } as const;
type Curve = keyof typeof curves;
const pointOf = (curve: Curve): Buffer => createECDH(curves[curve]).generateKeys();

/** Returns the prime of a group less 2, the largest number that the group accepts. */
function largest(group: string): Buffer {
  const prime = createDiffieHellmanGroup(group).getPrime();
  prime[prime.length - 1] = (prime.at(-1) ?? 0) - 2;
  return Buffer.concat([Buffer.of(0), prime]);
}

function rsaKey(bits: number, exponent: Buffer): Pick<DearExchange, 'algorithm' | 'hostKey' | 'signature'> {
  const hostKey = strings('ssh-rsa', exponent, oddNumber(bits));
  const signature = Buffer.concat([Buffer.of(0x7f), randomBytes(bits / 8 - 1)]);
  return { algorithm: 'rsa-sha2-512', hostKey, signature };
}

function ecdsaKey(curve: Curve): Pick<DearExchange, 'algorithm' | 'hostKey' | 'signature'> {
  const algorithm = `ecdsa-sha2-${curve}`;
  const half = Buffer.concat([Buffer.of(1), randomBytes(31)]);
  return { algorithm, hostKey: strings(algorithm, curve, pointOf(curve)), signature: strings(half, half) };
}

function ed25519Key(): Pick<DearExchange, 'algorithm' | 'hostKey' | 'signature'> {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const hostKey = strings('ssh-ed25519', Buffer.from(x, 'base64url'));
  return { algorithm: 'ssh-ed25519', hostKey, signature: randomBytes(64).fill(0, 60) };
}

const x25519 = (): Buffer =>
  Buffer.from(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
const widest = Buffer.concat([Buffer.of(1), Buffer.alloc(4, 0xff)]);
const long = (): Buffer => oddNumber(200_000);

function exchange(kex: KeyExchange, point: Buffer, more: Partial<DearExchange> = {}): DearExchange {
  return { kex, group: null, point, ...ecdsaKey('nistp521'), ...more };
}

/** The exchanges, each as a function, because some take a moment to make. */
export const dearExchanges = {
  curve25519: () => exchange('curve25519-sha256', x25519()),
  'curve25519 of libssh': () => exchange('curve25519-sha256@libssh.org', x25519()),
  'ECDH on P-256': () => exchange('ecdh-sha2-nistp256', pointOf('nistp256')),
  'ECDH on P-384': () => exchange('ecdh-sha2-nistp384', pointOf('nistp384')),
  'ECDH on P-521': () => exchange('ecdh-sha2-nistp521', pointOf('nistp521')),
  group14: () => exchange('diffie-hellman-group14-sha256', largest('modp14')),
  group16: () => exchange('diffie-hellman-group16-sha512', largest('modp16')),
  'group16 and a signature by RSA of 8,192 bits': () =>
    exchange('diffie-hellman-group16-sha512', largest('modp16'), rsaKey(8192, widest)),
  'RSA of 8,192 bits with an exponent of 33': () => exchange('curve25519-sha256', x25519(), rsaKey(8192, widest)),
  'RSA of 16,384 bits': () => exchange('curve25519-sha256', x25519(), rsaKey(16_384, widest)),
  'RSA with an exponent of its size': () => exchange('curve25519-sha256', x25519(), rsaKey(3072, oddNumber(3072))),
  'ECDSA on P-256': () => exchange('curve25519-sha256', x25519(), ecdsaKey('nistp256')),
  'ECDSA on P-384': () => exchange('curve25519-sha256', x25519(), ecdsaKey('nistp384')),
  Ed25519: () => exchange('curve25519-sha256', x25519(), ed25519Key()),
  'a long number in group16': () => exchange('diffie-hellman-group16-sha512', long()),
  'a long point of curve25519': () => exchange('curve25519-sha256', long()),
  'a long point of P-521': () => exchange('ecdh-sha2-nistp521', long()),
  'a long host key': () => exchange('curve25519-sha256', x25519(), { hostKey: strings('ecdsa-sha2-nistp521', long()) }),
  'a long signature by ECDSA': () =>
    exchange('curve25519-sha256', x25519(), { signature: strings(oddNumber(100_000), oddNumber(100_000)) }),
  'a long signature by RSA': () =>
    exchange('curve25519-sha256', x25519(), { ...rsaKey(8192, widest), signature: long() }),
  'ten thousand names of exchanges': () => ({
    ...exchange('curve25519-sha256', x25519()),
    kex: `${'x,'.repeat(10_000)}curve25519-sha256`,
  }),
  'a group of 4,096 bits': () =>
    exchange(groupExchange, Buffer.concat([Buffer.of(0x7f), randomBytes(511)]), {
      group: [oddNumber(4096), Buffer.of(5)],
    }),
  'a group of 4,096 bits and a large generator': () =>
    exchange(groupExchange, Buffer.concat([Buffer.of(0x7f), randomBytes(511)]), {
      group: [oddNumber(4096), Buffer.of(0x7f, 0xff, 0xff)],
    }),
} as const satisfies Readonly<Record<string, () => DearExchange>>;

export type DearName = keyof typeof dearExchanges;

/** Returns an unencrypted packet (RFC 4253, section 6). */
export function wirePacket(payload: Buffer): Buffer {
  const padding = 16 - ((5 + payload.length) % 8);
  return Buffer.concat([u32(1 + payload.length + padding), Buffer.of(padding), payload, Buffer.alloc(padding)]);
}

export function kexInit(kex: string, algorithm: string, guesses = false): Buffer {
  const cipher = 'aes128-gcm@openssh.com,aes128-ctr';
  const lists = [kex, algorithm, cipher, cipher, 'hmac-sha2-256', 'hmac-sha2-256', 'none', 'none', '', ''];
  return Buffer.concat([Buffer.of(20), randomBytes(16), strings(...lists), Buffer.of(guesses ? 1 : 0), u32(0)]);
}

/** Returns the reply of a key exchange. `number` is 31, or 33 if the server chose the group. */
export function kexReply(number: number, hostKey: Buffer, point: Buffer, algorithm: string, signature: Buffer): Buffer {
  return Buffer.concat([Buffer.of(number), strings(hostKey, point, strings(algorithm, signature))]);
}

export const newKeys = Buffer.of(21);

/** Returns all bytes that such a server ever sends: they do not depend on the client. */
export function halfOf({ kex, algorithm, hostKey, point, group, signature }: DearExchange): Buffer {
  const groups = group === null ? [] : [Buffer.concat([Buffer.of(31), strings(...group)])];
  const reply = kexReply(group === null ? 31 : 33, hostKey, point, algorithm, signature);
  const messages = [kexInit(kex, algorithm), ...groups, reply, newKeys];
  return Buffer.concat([Buffer.from('SSH-2.0-dear\r\n'), ...messages.map(wirePacket)]);
}
