/** The only importer of ssh2's client side. Exports the parts in use under the package's own names. */
import { createRequire } from 'node:module';

import ssh2 from 'ssh2';
import type { Client, ParsedKey } from 'ssh2';

export type {
  AnyAuthMethod,
  AuthenticationType,
  Client,
  ClientChannel,
  ConnectConfig,
  KeyboardInteractiveCallback,
  ParsedKey,
  Prompt,
  ServerHostKeyAlgorithm,
} from 'ssh2';

/** The version of the installed package. */
export const ssh2Version: string = (createRequire(import.meta.url)('ssh2/package.json') as { readonly version: string })
  .version;

/** The base class of SshAgent. */
export const OpenSSHAgent = ssh2.OpenSSHAgent;

/** Creates a client, not connected. */
export function newClient(): Client {
  return new ssh2.Client();
}

/** Parses a key in any format that ssh2 reads. Returns an Error for other texts, as ssh2 does; does not throw. */
export function parseKey(data: string | Buffer, passphrase?: string): ParsedKey | Error {
  // ssh2 returns an array for OpenSSH's container, which holds one key in practice. Its type declaration lacks that.
  const parsed: unknown = ssh2.utils.parseKey(data, passphrase);
  return (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error;
}
