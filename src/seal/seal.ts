/**
 * Seals a report so that nobody on its way, nor on the disks it rests on, can read or change it: HPKE (RFC 9180), base
 * mode, one message, to the collector's public key. FORMAT.md specifies every byte.
 *
 * Promises: `node:crypto` and `node:zlib` alone; a message that differs in one bit from what was sealed is refused;
 * nothing is believed before it is authenticated; no opening takes more than 1 MiB of plaintext. Sealing (this file)
 * runs on clients and is kept apart from opening (open.ts) and keys (key-pair.ts).
 */
import { createCipheriv } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

import { encap, generateEphemeral, keySchedule, tagBytes, type Ephemeral } from './hpke.ts';
import { encodeHeader, keyIdOf, maxPlaintextBytes, reportSuite } from './sealed-message.ts';
import { SealFault } from './seal-fault.ts';

export interface SealOptions {
  /** Raw X25519 public key of the collector, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** UUID, lower case. */
  readonly reportId: string;
  /** 1 to 128 bytes of UTF-8. */
  readonly client: string;
  /** The report as JSON, at most 1 MiB. */
  readonly plaintext: Uint8Array;
}

/**
 * Compresses and seals a report. Throws SealFault `report-too-large`, and RangeError when the key, id or name cannot be
 * sealed with.
 */
export function sealReport(options: SealOptions): Buffer {
  const { plaintext } = options;
  if (plaintext.length > maxPlaintextBytes) {
    throw new SealFault('report-too-large', `a report of ${plaintext.length} bytes, allowed are ${maxPlaintextBytes}`);
  }
  return sealCompressed(options, deflateRawSync(plaintext), generateEphemeral());
}

/** The part after the compression, with an ephemeral key pair that must never be used for a second message. */
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
