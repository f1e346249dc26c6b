import { createHmac } from 'node:crypto';

import { hostKeyOf, type HostKey } from './fingerprint.ts';
import { hostPatternsMatch } from '../ssh-config/host-patterns.ts';
import { comparableHost } from '../../config/values/networks.ts';

/** A parsed line of known_hosts. sshd(8), section SSH_KNOWN_HOSTS FILE FORMAT, defines the format. */
export interface KnownHostLine {
  readonly line: number;
  readonly marker: '@revoked' | '@cert-authority' | null;
  /** The first field: names and patterns separated by commas, or one hashed name. */
  readonly hosts: string;
  readonly key: HostKey;
  /**
   * When this program first saw or was ordered to trust the key, from the line's `firstSeenComment`, in milliseconds
   * since 1970. null if the line has no such comment.
   */
  readonly firstSeenMs: number | null;
}

/**
 * Parses a line. Returns a sentence about the fault if the line is malformed; the sentence quotes nothing of the line.
 * Returns null for an empty line or a comment.
 */
export function parseKnownHostLine(text: string, line: number): KnownHostLine | string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return null;
  const fields = trimmed.split(/[ \t]+/);
  const first = fields[0] ?? '';
  const marker = first === '@revoked' || first === '@cert-authority' ? first : null;
  if (first.startsWith('@') && marker === null) return `line ${line}: the marker is not known`;
  const [hosts = '', type = '', base64, ...comment] = marker === null ? fields : fields.slice(1);
  if (base64 === undefined) return `line ${line}: not \`host type key\``;
  if (hosts.startsWith('|') && hashedNameOf(hosts) === null) return `line ${line}: the hashed name is damaged`;
  const key = hostKeyOf(Buffer.from(base64, 'base64'));
  if (key?.type !== type) return `line ${line}: the key is damaged, or not of its type`;
  return { line, marker, hosts, key, firstSeenMs: firstSeen(comment) };
}

const firstSeenWord = /^first-seen=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/;

/** Returns the comment of a line that this program writes: the time when the key was first seen or trusted. */
export function firstSeenComment(nowMs: number): string {
  return `first-seen=${new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z')}`;
}

/** Returns `, first seen 2026-11-20 10:00 UTC`. Returns an empty string if the time is not known. */
export function firstSeenWords({ firstSeenMs }: { readonly firstSeenMs: number | null }): string {
  if (firstSeenMs === null) return '';
  return `, first seen ${new Date(firstSeenMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function firstSeen(comment: readonly string[]): number | null {
  for (const word of comment) {
    const ms = Date.parse(firstSeenWord.exec(word)?.[1] ?? '');
    if (Number.isFinite(ms)) return ms;
  }
  return null;
}

/**
 * True if the first field of a line matches a name. The field holds plain names, patterns (`*`, `?`, `!`) or a hash
 * (`|1|salt|hash`).
 */
export function hostsMatch(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hashMatches(hosts, name);
  const patterns = hosts
    .split(',')
    .map((one) => one.replace(/^(!?)(.*)$/, (_, no: string, host: string) => no + comparableHost(host)));
  return hostPatternsMatch(patterns, name);
}

/** A name hashed by `ssh-keygen -H`: the HMAC-SHA1 of the name, keyed with the salt. */
export interface HashedName {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/**
 * Returns the salt and hash of `|1|salt|hash`. Like ssh, accepts only 20 bytes each in canonical base64. Returns null
 * for anything else.
 */
export function hashedNameOf(hosts: string): HashedName | null {
  const [, version, ...parts] = hosts.split('|');
  const [salt, hash] = parts.map((part) => Buffer.from(part, 'base64'));
  if (version !== '1' || parts.length !== 2 || salt?.length !== 20 || hash?.length !== 20) return null;
  return `|1|${salt.toString('base64')}|${hash.toString('base64')}` === hosts ? { salt, hash } : null;
}

function hashMatches(hosts: string, name: string): boolean {
  const hashed = hashedNameOf(hosts);
  return hashed !== null && createHmac('sha1', hashed.salt).update(name).digest().equals(hashed.hash);
}
