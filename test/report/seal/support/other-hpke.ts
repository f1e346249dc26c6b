import type { webcrypto } from 'node:crypto';

import { AeadId, CipherSuite, KdfId, KemId } from 'hpke-js';

import { pairOfRaw } from './raw-keys.ts';

/** The independent implementation, which our own code must agree with. */
export const otherSuite = new CipherSuite({
  kem: KemId.DhkemX25519HkdfSha256,
  kdf: KdfId.HkdfSha256,
  aead: AeadId.Aes256Gcm,
});

export const reportInfo = Buffer.from('fleet-health report v1', 'ascii');

export interface OtherSealOptions {
  readonly publicKey: Uint8Array;
  readonly header: Uint8Array;
  readonly compressed: Uint8Array;
  /** The raw private key of the sender. Default: a random one. */
  readonly ephemeral?: Uint8Array;
  readonly info?: Uint8Array;
  readonly suite?: CipherSuite;
}

/** Returns a whole sealed report: header, enc, ciphertext and tag. */
export async function otherSeal(options: OtherSealOptions): Promise<Buffer> {
  const { publicKey, header, compressed, ephemeral, info = reportInfo, suite = otherSuite } = options;
  const sender = await suite.createSenderContext({
    recipientPublicKey: (await suite.kem.deserializePublicKey(publicKey)) as webcrypto.CryptoKey,
    info,
    ...(ephemeral === undefined ? {} : { ekm: await otherPair(ephemeral) }),
  });
  const ciphertext = await sender.seal(compressed, header);
  return Buffer.concat([header, Buffer.from(sender.enc), Buffer.from(ciphertext)]);
}

export async function otherOpen(options: {
  readonly privateKey: Uint8Array;
  readonly enc: Uint8Array;
  readonly header: Uint8Array;
  readonly ciphertext: Uint8Array;
}): Promise<Buffer> {
  const recipient = await otherSuite.createRecipientContext({
    recipientKey: await otherPair(options.privateKey),
    enc: options.enc,
    info: reportInfo,
  });
  return Buffer.from(await recipient.open(options.ciphertext, options.header));
}

async function otherPair(raw: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  // The package's types name the DOM's CryptoKey, which does not exist here.
  const imported = async (bytes: Uint8Array, isPublic: boolean): Promise<webcrypto.CryptoKey> =>
    (await otherSuite.kem.importKey('raw', bytes, isPublic)) as webcrypto.CryptoKey;
  return { privateKey: await imported(raw, false), publicKey: await imported(pairOfRaw(raw).publicKey, true) };
}
