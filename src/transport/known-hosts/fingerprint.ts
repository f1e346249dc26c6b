import { createHash } from 'node:crypto';

/** A host's public key, as known_hosts holds it. */
export interface HostKey {
  /** The name inside the key: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` ... */
  readonly type: string;
  /** The whole key blob (RFC 4253, section 6.6) in base64. */
  readonly key: string;
}

/** Returns the fingerprint of a key blob as `ssh-keygen -l` prints it: `SHA256:` and base64 without padding. */
export function fingerprint(key: string | Buffer): string {
  const blob = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** Returns the key of a blob. Returns null if the blob does not begin with a plausible type name. */
export function hostKeyOf(blob: Buffer): HostKey | null {
  if (blob.length < 5) return null;
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || 4 + length >= blob.length) return null;
  const type = blob.toString('latin1', 4, 4 + length);
  return /^[a-z0-9@.-]+$/.test(type) ? { type, key: blob.toString('base64') } : null;
}

/** Returns the short name of a key type: `ED25519`, `ECDSA` or `RSA`. Returns an unknown type unchanged. */
export function keyTypeName(type: string): string {
  if (type === 'ssh-ed25519') return 'ED25519';
  if (type === 'ssh-rsa') return 'RSA';
  return type.startsWith('ecdsa-sha2-') ? 'ECDSA' : type;
}
