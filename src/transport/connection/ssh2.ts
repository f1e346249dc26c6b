/** The one importer of ssh2's client side: what the files of this folder use of the package, under its own names. */
import { createRequire } from 'node:module';

import ssh2 from 'ssh2';
import type {
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
};

/** The version of the installed package. */
export const ssh2Version: string = (createRequire(import.meta.url)('ssh2/package.json') as { readonly version: string })
  .version;

/** The base of our ssh-agent client. */
export const OpenSSHAgent = ssh2.OpenSSHAgent;

/** A new client, not connected. */
export function newClient(): Client {
  return new ssh2.Client();
}

/** A key in any format that ssh2 reads; an Error with its reason otherwise (ssh2 does not throw it). */
export function parseKey(data: string | Buffer, passphrase?: string): ParsedKey | Error {
  // ssh2 hands an array back for OpenSSH's container, which holds one key in practice; its type declaration leaves that out.
  const parsed: unknown = ssh2.utils.parseKey(data, passphrase);
  return (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error;
}
