import { statSync } from 'node:fs';

/**
 * The file of the certificate that stands beside a private or public key and that OpenSSH would offer with it
 * (`id_ed25519-cert.pub`, ssh(1) under -i); null: there is none. ssh2 cannot offer certificates.
 */
export function certificateBeside(keyFile: string): string | null {
  const file = `${keyFile.replace(/\.pub$/, '')}-cert.pub`;
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}
