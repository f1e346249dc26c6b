import { existsSync, readFileSync, statSync } from 'node:fs';

import { FleetError, messageOf, usageError } from '../../errors.ts';
import { decodeLoginKey, loadPrivateKey } from '../../transport/credentials/private-key.ts';
import type { Hop } from '../../transport/route/hop.ts';

export interface PublicKey {
  /** `ssh-ed25519` for instance. */
  readonly type: string;
  readonly base64: string;
}

const maxFileBytes = 64 * 1024;

/**
 * Returns the public key that the collector logs in to a client with: that of the given file, else that of the one
 * private key. Looks for `.pub` beside it first, as that needs no passphrase. Throws FleetError `usage` or
 * `credentials-unusable`.
 */
export function findPublicKey({ name, credentials }: Hop, file: string | null): PublicKey {
  if (file !== null) return readPublicKey(file);
  const there = credentials.privateKeys.filter(({ path, optional }) => !optional || existsSync(path));
  const [key, ...others] = there.map(({ path }) => path);
  if (key === undefined || others.length > 0) {
    const which = key === undefined ? 'no private key' : `several private keys (${[key, ...others].join(', ')})`;
    throw usageError(
      `${name} has ${which}, so which key is meant must be said`,
      'Name the public key with --key FILE.pub.',
    );
  }
  const beside = `${key}.pub`;
  if (existsSync(beside)) return readPublicKey(beside);
  return describe(loadPrivateKey(key, credentials.passphrase?.reveal() ?? null).publicBlob);
}

function readPublicKey(file: string): PublicKey {
  try {
    if (statSync(file).size > maxFileBytes) throw new Error('it is too large for a key');
    return describe(decodeLoginKey(readFileSync(file, 'utf8'), null).publicBlob);
  } catch (thrown) {
    throw new FleetError({
      code: 'credentials-unusable',
      stage: 'login',
      message: `${file}: ${messageOf(thrown)}`,
      advice: 'Name a file as ssh-keygen writes it, `ssh-ed25519 AAAA...`.',
      cause: thrown,
    });
  }
}

/** RFC 4253, section 6.6: a public key begins with the name of its type, as a string. */
function describe(blob: Buffer): PublicKey {
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return { type, base64: blob.toString('base64') };
}
