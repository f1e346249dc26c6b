import { randomBytes } from 'node:crypto';

/** The number of SSH_MSG_KEXINIT (RFC 4253, section 7.1). */
const messageNumber = 20;
const blockBytes = 8;
const leastPaddingBytes = 4;

/**
 * Returns a server's version line (RFC 4253, section 4.2). `keyExchangeOffer` returns its unencrypted offer (sections 6
 * and 7.1).
 */
export function versionLine(ident: string): Buffer {
  return Buffer.from(`SSH-2.0-${ident}\r\n`);
}

export function keyExchangeOffer(): Buffer {
  const lists = [
    'curve25519-sha256',
    'ssh-ed25519',
    'aes128-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-256',
    'none',
    'none',
    '',
    '',
  ].map((list) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(list.length);
    return Buffer.concat([length, Buffer.from(list)]);
  });
  // first_kex_packet_follows, and the reserved word.
  const payload = Buffer.concat([Uint8Array.of(messageNumber), randomBytes(16), ...lists, Buffer.alloc(1 + 4)]);
  const shortBytes = blockBytes - ((5 + payload.length) % blockBytes);
  const paddingBytes = shortBytes < leastPaddingBytes ? shortBytes + blockBytes : shortBytes;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + paddingBytes);
  head[4] = paddingBytes;
  return Buffer.concat([head, payload, Buffer.alloc(paddingBytes)]);
}
