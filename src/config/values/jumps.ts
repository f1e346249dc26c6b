import { isIP } from 'node:net';

import { hostFault } from './addresses.ts';

/** A machine of a proxyJump, as written. */
export interface Jump {
  /** A bastion, a client, a host of ssh_config, a host name or an address without brackets. */
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
  /** True for a name alone, which may be that of a bastion or client; false for `ssh://`, a user or a port. */
  readonly bare: boolean;
}

/**
 * Returns the machines of a proxyJump, nearest to the collector first: `NAME`, `[USER@]HOST[:PORT]` or
 * `ssh://[USER@]HOST[:PORT]` with commas between, as in ssh_config(5). Returns null for any other text.
 */
export function parseJumps(text: string): readonly Jump[] | null {
  const jumps = text.split(',').map((part) => parseJump(part.trim()));
  return jumps.every((jump) => jump !== null) ? jumps : null;
}

function parseJump(text: string): Jump | null {
  const uri = text.startsWith('ssh://');
  const rest = uri ? text.slice('ssh://'.length).replace(/\/$/, '') : text;
  if (isIP(rest) !== 0) return { host: rest, user: null, port: null, bare: !uri };
  // The last @ ends the user: users of some directories hold an @ themselves.
  const at = rest.lastIndexOf('@');
  const user = at === -1 ? null : rest.slice(0, at);
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(rest.slice(at + 1));
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined || host.startsWith('-') || /[\s/]/.test(user ?? '') || user === '' || user?.startsWith('-'))
    return null;
  const port = parts?.[3] === undefined ? null : Number(parts[3]);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const bare = !uri && user === null && port === null && parts?.[1] === undefined;
  // A bare name may be any name of config.xml. Anything else is dialled, so it must be a host.
  return bare || hostFault(host) === null ? { host, user, port, bare } : null;
}

/** Returns what is wrong with a proxyJump, as the end of a sentence that begins with the value; null if nothing is. */
export function jumpsFault(text: string): string | null {
  return parseJumps(text) === null
    ? 'is no way; write the name of a bastion, a client or a host of ssh_config, or user@host:port, several with commas'
    : null;
}

/** Returns the names of `on`: separated by commas if there is a comma, else by blanks. */
export function parseParentNames(text: string): readonly string[] {
  return text.split(text.includes(',') ? ',' : /\s+/).flatMap((name) => name.trim() || []);
}

/** Writes names of `on`, for parseParentNames. */
export function writtenParentNames(names: readonly string[]): string {
  return names.some((name) => /\s/.test(name)) ? names.map((name) => `${name},`).join(' ') : names.join(' ');
}
