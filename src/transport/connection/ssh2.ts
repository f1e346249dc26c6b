/** The one importer of ssh2's client side: what the files of this folder use of the package, under its own names. */
import { createRequire } from 'node:module';

import type ssh2 from 'ssh2';
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

// Its parts one by one: all of it is also a server, SFTP and agents for HTTPS, of which every start would load what they need.
const require = createRequire(import.meta.url);
const { version } = require('ssh2/package.json') as { readonly version: string };
const Ssh2Client = require('ssh2/lib/client.js') as typeof ssh2.Client;
const agents = require('ssh2/lib/agent.js') as Pick<typeof ssh2, 'OpenSSHAgent'>;
const keys = require('ssh2/lib/protocol/keyParser.js') as Pick<typeof ssh2.utils, 'parseKey'>;

/** True for the version that the files that touch its private parts were written for. */
export const hasKnownPrivateParts: boolean = version === '1.17.0';

/** The base of our ssh-agent client. */
export const OpenSSHAgent = agents.OpenSSHAgent;

/** A new client, not connected. */
export function newClient(): Client {
  return new Ssh2Client();
}

/** A key in any format that ssh2 reads; an Error with its reason otherwise (ssh2 does not throw it). */
export function parseKey(data: string | Buffer, passphrase?: string): ParsedKey | Error {
  // ssh2 hands an array back for OpenSSH's container, which holds one key in practice; its type declaration leaves that out.
  const parsed: unknown = keys.parseKey(data, passphrase);
  return (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error;
}
