import { createPublicKey, diffieHellman, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';

import { hasKnownPrivateParts, parseKey, type Client, type ParsedKey } from '../connection/ssh2.ts';

/**
 * The key exchange that nearly every server takes (curve25519, host key Ed25519), with keys that OpenSSL is given as they
 * are. ssh2 wraps them in DER and PEM, and OpenSSL 3 takes 60 to 120 us to find out each time what they are: an exchange
 * costs 200 us less in this way. What is computed, checked and refused is the same.
 *
 * ssh2 offers no public way to that. As in pipelining.ts its private parts are touched only in the version that this was
 * written for, and only where they look as they did; with any other, exchanges go on as ssh2 has them.
 */

/** Curve25519Exchange of its lib/protocol/kex.js; its class is not exported. */
interface Exchange {
  readonly type: string;
  _keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject | Buffer } | null;
  /** What the class that it is derived from computes the secret with: of the other groups. */
  _dh?: { computeSecret(otherPublicKey: Buffer): Buffer };
  generateKeys: (this: Exchange) => void;
  getPublicKey: (this: Exchange) => Buffer;
  computeSecret: (this: Exchange, otherPublicKey: Buffer) => Buffer | Error;
}

/** Of ssh2's keys. */
interface Verifier {
  verify: (this: ParsedKey, data: Buffer, signature: Buffer, algorithm?: string) => boolean;
}

interface PrivateParts {
  readonly _protocol?: { readonly _kex?: Partial<Exchange> };
}

/** `curve25519` of RFC 8731, Ed25519 keys of RFC 8709. */
const rawKeyBytes = 32;

let done = false;

/**
 * To be called while a client's first key exchange goes on, for all later ones of this process: only then there is one to
 * see. Does nothing the second time.
 */
export function quickenKeyExchanges(ssh: Client): void {
  if (done || !hasKnownPrivateParts) return;
  const exchange = (ssh as unknown as PrivateParts)._protocol?._kex;
  if (exchange?.type !== '25519') return;
  done = true;
  const prototype = Object.getPrototypeOf(exchange) as Exchange;
  const base = Object.getPrototypeOf(prototype) as Exchange;
  const own = ['generateKeys', 'getPublicKey', 'computeSecret'] as const;
  if (!own.every((name) => Object.hasOwn(prototype, name)) || typeof base.computeSecret !== 'function') return;
  quickenExchange(prototype, base);
  quickenVerify();
}

function quickenExchange(prototype: Exchange, base: Exchange): void {
  const { getPublicKey } = prototype;
  prototype.generateKeys = function () {
    if (this._keys !== null) return;
    // Asked for in the generation: exporting a fresh key as JWK can hang Node 20 for ever.
    const pair = generateKeyPairSync('x25519', { publicKeyEncoding: { format: 'jwk' } } as never) as unknown as {
      readonly publicKey: { readonly x: string };
      readonly privateKey: KeyObject;
    };
    this._keys = { privateKey: pair.privateKey, publicKey: Buffer.from(pair.publicKey.x, 'base64url') };
  };
  prototype.getPublicKey = function () {
    this.generateKeys();
    const publicKey = this._keys?.publicKey;
    // The exchange that was under way has the keys that ssh2 made.
    return Buffer.isBuffer(publicKey) ? publicKey : getPublicKey.call(this);
  };
  prototype.computeSecret = function (otherPublicKey) {
    this.generateKeys();
    const privateKey = this._keys?.privateKey;
    if (privateKey === undefined) return new Error('there is no key to compute it with');
    this._dh = { computeSecret: (other) => diffieHellman({ privateKey, publicKey: publicKeyOf('X25519', other) }) };
    // It returns what is thrown, and gives the secret the form of RFC 4251 (mpint).
    return base.computeSecret.call(this, otherPublicKey);
  };
}

/** One object is the prototype of all keys. */
function quickenVerify(): void {
  const sample = parseKey(`ssh-ed25519 ${blobOf(Buffer.alloc(rawKeyBytes)).toString('base64')}`);
  if (sample instanceof Error) return;
  const keys = Object.getPrototypeOf(sample) as Verifier;
  if (!Object.hasOwn(keys, 'verify')) return;
  const { verify: slow } = keys;
  keys.verify = function (data, signature, algorithm) {
    if (this.type !== 'ssh-ed25519') return slow.call(this, data, signature, algorithm);
    try {
      const raw = this.getPublicSSH().subarray(-rawKeyBytes);
      return verify(null, data, publicKeyOf('Ed25519', raw), signature);
    } catch {
      return false;
    }
  };
}

/** `ssh-ed25519` of RFC 8709, section 4. */
function blobOf(raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1'), raw]);
}

/** Throws for a key of another length. */
function publicKeyOf(curve: 'X25519' | 'Ed25519', raw: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x: raw.toString('base64url') }, format: 'jwk' });
}
