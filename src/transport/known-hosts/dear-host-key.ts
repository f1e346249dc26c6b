/** src/transport/known-hosts: trusted host keys. */

/**
 * The largest RSA modulus accepted, in bits. OpenSSH makes keys of up to 16,384 bits, but nobody uses them. Checking a
 * key of 8,192 bits takes half a millisecond.
 */
const maxModulusBits = 8192;
/**
 * The largest RSA exponent accepted, in bits. The usual exponent has 17 bits. OpenSSL accepts 64 bits for large keys
 * and any size for small keys.
 */
const maxExponentBits = 33;

/**
 * Returns why a host key is refused before any computation with it: a hostile server can choose numbers that are
 * expensive to compute with. Elliptic curves have one size each. Returns null for an acceptable key.
 */
export function dearHostKey(blob: Buffer): string | null {
  const [type, exponent, modulus] = stringsOf(blob);
  if (type?.toString('latin1') !== 'ssh-rsa') return null;
  if (exponent === undefined || modulus === undefined) return 'the host key cannot be read';
  const bits = bitsOf(modulus);
  if (bits > maxModulusBits) return `the host key has ${bits} bits; RSA keys may have ${maxModulusBits}`;
  return bitsOf(exponent) > maxExponentBits ? `the exponent of the host key has ${bitsOf(exponent)} bits` : null;
}

/** Returns the strings of a key blob (RFC 4251, section 5). Stops at the first incomplete string. */
function stringsOf(blob: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length;) {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) break;
    found.push(blob.subarray(at + 4, end));
    at = end;
  }
  return found;
}

function bitsOf(mpint: Buffer): number {
  const start = mpint.findIndex((byte) => byte !== 0);
  return start === -1 ? 0 : (mpint.length - start) * 8 - Math.clz32(mpint[start] ?? 0) + 24;
}
