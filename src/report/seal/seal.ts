/**
 * Seals a report so that nobody in transit or on a disk can read or change it: HPKE (RFC 9180), base mode, one message,
 * to the collector's public key. FORMAT.md specifies every byte.
 * Guarantees: only `node:crypto` and `node:zlib` are used; a message that was changed by one bit is refused; nothing is
 * trusted before it is authenticated; opening never produces more than 1 MiB of plaintext. Sealing (this file) runs on
 * clients and is kept apart from opening (open.ts) and keys (key-pair.ts).
 */
import { createCipheriv } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

import { encap, generateEphemeral, keySchedule, tagBytes, type Ephemeral } from './hpke.ts';
import { encodeHeader, keyIdOf, maxPlaintextBytes, reportSuite } from './sealed-message.ts';
import { SealFault } from './seal-fault.ts';

export interface SealOptions {
  /** The raw X25519 public key of the collector, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The report id: a UUID in lower case. */
  readonly reportId: string;
  /** The client's name: 1 to 128 bytes of UTF-8. */
  readonly client: string;
  /** The report as JSON, at most 1 MiB. */
  readonly plaintext: Uint8Array;
}

/**
 * Compresses and seals a report. Throws SealFault `report-too-large`, and RangeError for an unusable key, id or name.
 */
export function sealReport(options: SealOptions): Buffer {
  const { plaintext } = options;
  if (plaintext.length > maxPlaintextBytes) {
    throw new SealFault('report-too-large', `a report of ${plaintext.length} bytes, allowed are ${maxPlaintextBytes}`);
  }
  return sealCompressed(options, deflateRawSync(plaintext), generateEphemeral());
}

/** Seals compressed bytes, with an ephemeral key pair that must never be used for a second message. */
export function sealCompressed(
  { publicKey, reportId, client }: Omit<SealOptions, 'plaintext'>,
  compressed: Uint8Array,
  ephemeral: Ephemeral,
): Buffer {
  const header = encodeHeader({ keyId: keyIdOf(publicKey), reportId, client });
  const { key, nonce } = keySchedule(reportSuite, encap(publicKey, ephemeral));
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(header);
  const ciphertext = cipher.update(compressed);
  cipher.final();
  return Buffer.concat([header, ephemeral.publicKey, ciphertext, cipher.getAuthTag()]);
}
