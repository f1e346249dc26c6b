import { createDecipheriv } from 'node:crypto';
import { inflateRawSync, type InflateRaw } from 'node:zlib';

import { decap, keySchedule, tagBytes } from './hpke.ts';
import type { KeyPair } from './key-pair.ts';
import { maxPlaintextBytes, readHeader, reportSuite, type SealedHeader, type SealedMessage } from './sealed-message.ts';
import { SealFault } from './seal-fault.ts';

/** The live key pairs by key id; see `privateKeysOf`. */
export type PrivateKeys = ReadonlyMap<string, KeyPair>;

export interface OpenedReport {
  /** The authenticated header. */
  readonly header: SealedHeader;
  readonly plaintext: Buffer;
}

/**
 * Verifies, decrypts and decompresses a sealed report, given as bytes or as the result of `readHeader`. Throws
 * SealFault: `seal-no-key` if the report is sealed to none of the keys, `seal-corrupt` if it was changed after sealing,
 * `report-too-large` beyond 1 MiB.
 */
export function openReport(sealed: Uint8Array | SealedMessage, keys: PrivateKeys): OpenedReport {
  const message = sealed instanceof Uint8Array ? readHeader(sealed) : sealed;
  const { keyId, reportId, client } = message;
  const pair = keys.get(keyId);
  if (pair === undefined) {
    throw new SealFault('seal-no-key', `sealed to key ${keyId}, which is not live here`, undefined, keyId);
  }
  return { header: { keyId, reportId, client }, plaintext: inflate(decrypt(message, pair)) };
}

function decrypt({ enc, headerBytes, ciphertext }: SealedMessage, pair: KeyPair): Buffer {
  try {
    const { key, nonce } = keySchedule(reportSuite, decap(enc, pair));
    const end = ciphertext.length - tagBytes;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      .setAAD(headerBytes)
      .setAuthTag(ciphertext.subarray(end));
    const compressed = decipher.update(ciphertext.subarray(0, end));
    decipher.final();
    return compressed;
  } catch (thrown) {
    throw new SealFault('seal-corrupt', 'the sealed report was changed or cut off', thrown);
  }
}

function inflate(compressed: Buffer): Buffer {
  const { buffer, engine } = inflateWithInfo(compressed);
  // inflateRawSync ignores bytes after the stream; only the engine reports the number of bytes that it used.
  if (engine.bytesWritten !== compressed.length) {
    throw new SealFault(
      'seal-corrupt',
      `${compressed.length - engine.bytesWritten} bytes follow the compressed report`,
    );
  }
  return buffer;
}

function inflateWithInfo(compressed: Buffer): { readonly buffer: Buffer; readonly engine: InflateRaw } {
  try {
    const options = { info: true, maxOutputLength: maxPlaintextBytes };
    return inflateRawSync(compressed, options) as unknown as { buffer: Buffer; engine: InflateRaw };
  } catch (thrown) {
    // ERR_BUFFER_TOO_LARGE. Bytes that are no deflate stream are a plain Error.
    if (thrown instanceof RangeError) {
      throw new SealFault('report-too-large', `the report is larger than ${maxPlaintextBytes} bytes`, thrown);
    }
    throw new SealFault('seal-corrupt', 'the report inside the seal cannot be decompressed', thrown);
  }
}
