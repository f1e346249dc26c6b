import { statSync } from 'node:fs';

/**
 * Returns the certificate file beside a private or public key (`id_ed25519-cert.pub`, ssh(1) under -i). OpenSSH would
 * offer it with the key; ssh2 cannot offer certificates. Returns null if there is none.
 */
export function certificateBeside(keyFile: string): string | null {
  const file = `${keyFile.replace(/\.pub$/, '')}-cert.pub`;
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : null;
}
