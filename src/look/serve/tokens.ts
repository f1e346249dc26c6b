import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import * as v from 'valibot';

import { readKeptList, whenChanged, writeKeptList } from '../../state-folder/kept-list.ts';

/** The purposes of tokens: all pages and documents, the metrics, the documents of status, or the token's own pings. */
const tokenPurposes = ['look', 'metrics', 'status', 'ping'] as const;
export type TokenPurpose = (typeof tokenPurposes)[number];

const storedToken = v.object({
  name: v.string(),
  for: v.picklist(tokenPurposes),
  /** The digest in hexadecimal. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** The time in ISO 8601. */
  added_at: v.string(),
  /** The service and host of the events that a ping creates. */
  service: v.exactOptional(v.string()),
  host: v.exactOptional(v.string()),
});

/** A stored token. The file contains only its digest, so a reader of the file cannot use it. */
export type StoredToken = Readonly<v.InferOutput<typeof storedToken>>;

/** The service and host of the events that a ping with a token creates. */
export interface PingToken {
  readonly service: string;
  /** The host; '' if none was named. */
  readonly host: string;
}

/** Reads the tokens. Returns none if there is no file. Throws FleetError `state-unusable`. */
export function readTokens(file: string): readonly StoredToken[] {
  return readKeptList(file, 'tokens', storedToken);
}

/** Replaces the tokens. Throws the errors of fs. */
export function writeTokens(file: string, tokens: readonly StoredToken[]): void {
  writeKeptList(file, 'tokens', tokens);
}

/** Returns a new token of 256 random bits, and its digest. */
export function newToken(): { readonly token: string; readonly sha256: string } {
  const token = `fh_${randomBytes(32).toString('base64url')}`;
  return { token, sha256: digestOf(token).toString('hex') };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/**
 * Returns a function that returns the purpose of a token; null for an unknown token. Reads the file again after
 * changes.
 */
export function tokenChecker(file: string): (token: string) => TokenPurpose | null {
  const find = tokenFinder(file);
  return (token) => find(token)?.for ?? null;
}

/** Returns a function that returns the service and host of a token's pings; null if it is no token for pings. */
export function pingFinder(file: string): (token: string) => PingToken | null {
  const find = tokenFinder(file);
  return (token) => {
    const found = find(token);
    return found?.for === 'ping' ? { service: found.service ?? '', host: found.host ?? '' } : null;
  };
}

/** Returns a function that returns the name of a token for the pages; null for any other token. */
export function tokenNamer(file: string): (token: string) => string | null {
  const find = tokenFinder(file);
  return (token) => {
    const found = find(token);
    return found?.for === 'look' ? found.name : null;
  };
}

function tokenFinder(file: string): (token: string) => StoredToken | null {
  const tokens = whenChanged(file, () => readTokens(file));
  return (token) => {
    const known = tokens();
    const digest = digestOf(token);
    // Every token is compared, so that the time reveals nothing.
    const found = known.filter(({ sha256 }) => timingSafeEqual(digest, Buffer.from(sha256, 'hex')));
    return found[0] ?? null;
  };
}

/** Returns the token of an Authorization header: Bearer, or the password of Basic; null if there is none. */
export function tokenOf(header: string | undefined): string | null {
  const [, scheme = '', value = ''] = /^(bearer|basic) +([\w.~+/=-]{1,1000})$/i.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '') return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? null : pair.slice(colon + 1);
}
