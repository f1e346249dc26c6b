/** Certificates by which another authority or host would be right. */
const foreign =
  /\b(?:\w*SELF_SIGNED_CERT\w*|UNABLE_TO_(?:GET|VERIFY|DECRYPT|DECODE)_\w+|\w+_ALTNAME_INVALID|INVALID_CA|CERT_\w+)\b/;
const outdated = /\bCERT_(?:HAS_EXPIRED|NOT_YET_VALID)\b|certificate (?:has expired|is not yet valid)/;
const rejected = /\bCERT_(?:REVOKED|REJECTED)\b/;
/** Versions, keys and signatures that OpenSSL refuses today. */
const old = [
  /unsupported[ _]protocol|alert[ _]protocol[ _]version|no[ _]protocols[ _]available/i,
  /legacy[ _]sigalg|unsafe[ _]legacy[ _]renegotiation/i,
  /\b(?:\w+_)?(?:dh|ee|ca)[ _](?:key[ _]too[ _]small|md[ _]too[ _]weak)/i,
];

/**
 * Returns the advice for a failed TLS handshake by the codes and words of its error; null for any other error.
 * `element` is the element of config.xml whose attribute `ca` names authorities.
 */
export function tlsAdvice(words: string, element: 'smtp' | 'webhook' | 'replies' | 'storage'): string | null {
  if (outdated.test(words))
    return 'Have the certificate of that server renewed; if it is valid, set the clock of this machine.';
  if (rejected.test(words)) return 'Have the certificate of that server renewed: its authority has withdrawn it.';
  if (foreign.test(words)) {
    return `Name its authority with <${element} ca="FILE">, or write the host as its certificate has it.`;
  }
  if (old.some((one) => one.test(words)))
    return 'Renew the TLS of that server: OpenSSL here refuses its version, keys or signatures as too weak.';
  return null;
}
