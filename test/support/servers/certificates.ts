/** Certificates for the tests, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type Certificates = ReturnType<typeof makeCertificates>;

export type KeyPair = Certificates['good'];

/** Makes an authority and certificates in a folder. */
export function makeCertificates(dir: string) {
  mkdirSync(dir, { recursive: true });
  const at = (name: string): string => path.join(dir, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Test CA', '-days', '2'];
  openssl('req', '-x509', ...newKey, ...authority);
  const pair = (name: string, san: string, days: string) => {
    const keyFile = at(`${name}.key`);
    const certFile = at(`${name}.pem`);
    writeFileSync(at(`${name}.ext`), `subjectAltName=${san}\n`);
    openssl('req', ...newKey, '-keyout', keyFile, '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
    openssl(
      ...['x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-extfile', at(`${name}.ext`), '-days', days, '-out', certFile],
    );
    return { keyFile, certFile, key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
  };
  return {
    /** The PEM file of the authority that signed these certificates. */
    ca: at('ca.pem'),
    /** A certificate for localhost and 127.0.0.1. */
    good: pair('good', 'DNS:localhost,IP:127.0.0.1', '2'),
    /** A certificate for another host. */
    wrongHost: pair('wrong', 'DNS:elsewhere.example.org', '2'),
    /** A certificate that expired yesterday. */
    expired: pair('expired', 'DNS:localhost,IP:127.0.0.1', '-1'),
  };
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
