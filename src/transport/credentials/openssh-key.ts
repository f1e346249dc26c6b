import { createPublicKey, type KeyObject } from 'node:crypto';

/**
 * Encodes an Ed25519 private key in OpenSSH's own format (PROTOCOL.key of OpenSSH), unencrypted. ssh2 reads a key of
 * this type in no other format.
 */
export function opensshPrivateKey(key: KeyObject): string {
  // RFC 8410: both DER forms end with the 32 bytes of the key.
  const seed = key.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  const point = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
  const type = field('ssh-ed25519');
  const inner = Buffer.concat([Buffer.alloc(8), type, field(point), field(Buffer.concat([seed, point])), field('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const container = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(field),
    Buffer.from([0, 0, 0, 1]),
    field(Buffer.concat([type, field(point)])),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = container.toString('base64').replace(/.{70}(?=.)/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Encodes a `string` of RFC 4251, section 5. */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
