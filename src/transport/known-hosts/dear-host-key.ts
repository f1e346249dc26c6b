/** OpenSSH makes RSA keys of 16,384 bits at most, and nobody uses them; a check of 8,192 bits takes half a millisecond. */
const mostModulusBits = 8192;
/** The usual exponent has 17 bits. OpenSSL takes one of 64 for large keys and of any size for small ones. */
const mostExponentBits = 33;

/**
 * Returns why a host key is not used before anything is computed with it, because whoever shows it chose numbers that are
 * dear to compute with; null for all others. Elliptic curves have one size each.
 */
export function dearHostKey(blob: Buffer): string | null {
  const [type, exponent, modulus] = stringsOf(blob);
  if (type?.toString('latin1') !== 'ssh-rsa') return null;
  if (exponent === undefined || modulus === undefined) return 'the host key cannot be read';
  const bits = bitsOf(modulus);
  if (bits > mostModulusBits) return `the host key has ${bits} bits; RSA keys may have ${mostModulusBits}`;
  return bitsOf(exponent) > mostExponentBits ? `the exponent of the host key has ${bitsOf(exponent)} bits` : null;
}

/** The strings of a key blob (RFC 4251, section 5), as far as they are whole. */
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
