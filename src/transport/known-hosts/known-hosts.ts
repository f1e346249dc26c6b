import { createHmac } from 'node:crypto';
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';

import { makeFolder } from '../../state/make-folder.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import type { HostKey } from './fingerprint.ts';
import {
  firstSeenComment,
  hashedNameOf,
  hostsMatch,
  parseKnownHostLine,
  type HashedName,
  type KnownHostLine,
} from './known-hosts-line.ts';

/** A key that a known_hosts file holds, with its place. */
export interface KnownKey extends HostKey {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** When it was accepted or trusted here, milliseconds since 1970; null: the line does not say. */
  readonly firstSeenMs: number | null;
}

/** All that known_hosts files say of one name. */
export interface KnownHostMatch {
  readonly keys: readonly KnownKey[];
  /** Keys that a `@revoked` line names for this host. */
  readonly revoked: readonly KnownKey[];
  /** Keys of `@cert-authority` lines: certificates signed by them are trusted, the keys themselves are not. */
  readonly authorities: readonly KnownKey[];
}

/** Known_hosts files as they were read; `add` is the one thing that changes them. */
export interface KnownHosts {
  /** The file to which `add` appends. */
  readonly path: string;
  /** All files, that one first. */
  readonly files: readonly string[];
  /** What was passed over, a sentence with its line each. */
  readonly notes: readonly string[];
  /** All lines under a name as `hostName` forms it, or under a HostKeyAlias. */
  lookup(name: string): KnownHostMatch;
  /** Appends a line (file mode 0600 when new) and knows the key from then on. Throws the system's error. */
  add(name: string, key: HostKey, nowMs: number): void;
}

/** The name under which known_hosts holds a host: lower case, and `[host]:port` unless the port is 22. */
export function hostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/**
 * Returns what known_hosts says of a machine: the lines under its name with the port, and those without one. A revocation
 * without a port holds for every port; a key or an authority without one counts where no key has the port, as with ssh.
 * Revoked authorities are left out.
 */
export function lookupHost(knownHosts: Pick<KnownHosts, 'lookup'>, knownAs: string): KnownHostMatch & WithoutPort {
  const own = knownHosts.lookup(knownAs);
  const host = /^\[(.+)\]:\d+$/.exec(knownAs)?.[1];
  const bare = host === undefined ? { keys: [], revoked: [], authorities: [] } : knownHosts.lookup(host);
  const revoked = [...own.revoked, ...bare.revoked];
  const authorities = [...own.authorities, ...(own.keys.length === 0 ? bare.authorities : [])];
  return {
    keys: own.keys,
    keysWithoutPort: own.keys.length === 0 ? bare.keys : [],
    revoked,
    authorities: authorities.filter(({ key }) => !revoked.some((other) => other.key === key)),
  };
}

/** Keys that count for a machine but never against it: another one may be known for another port. */
interface WithoutPort {
  readonly keysWithoutPort: readonly KnownKey[];
}

/**
 * Reads a known_hosts file; one that does not exist holds no keys. Meant to be read once and shared by all clients:
 * plain names are indexed; a hashed line costs half a microsecond for each new name that is asked for. Throws
 * FleetError `state-unusable` when it cannot be read.
 */
export function loadKnownHosts(file: string): KnownHosts {
  try {
    return parseKnownHosts(readFileSync(file, 'utf8'), file);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return parseKnownHosts('', file);
    throw new FleetError({
      code: 'state-unusable',
      stage: 'handshake',
      message: `known hosts cannot be read: ${messageOf(thrown)}`,
      cause: thrown,
    });
  }
}

/**
 * The same for a text; `file` is where `add` appends. Lines of plain names are taken apart when they are asked for, so
 * that tens of thousands of them cost nothing but their names.
 */
export function parseKnownHosts(text: string, file: string): KnownHosts {
  const lines = text.split('\n');
  const plain = new Map<string, number[]>();
  const patterns: KnownHostLine[] = [];
  const hashed: (HashedName & { readonly entry: KnownHostLine })[] = [];
  const parse = (index: number): KnownHostLine | string | null => parseKnownHostLine(lines[index] ?? '', index + 1);
  const indexNames = (hosts: string, index: number): void => {
    for (const name of new Set(hosts.toLowerCase().split(','))) {
      const indexes = plain.get(name);
      if (indexes === undefined) plain.set(name, [index]);
      else indexes.push(index);
    }
  };
  for (const [index, line] of lines.entries()) {
    const hosts = firstField(line);
    if (hosts === '' || hosts.startsWith('#')) continue;
    if (!/[@*?!|]/.test(hosts)) {
      indexNames(hosts, index);
      continue;
    }
    const entry = parse(index);
    if (entry === null || typeof entry === 'string') continue;
    const name = hashedNameOf(entry.hosts);
    if (name !== null) hashed.push({ ...name, entry });
    else if (!entry.hosts.startsWith('|')) patterns.push(entry);
  }
  const hashedNames = indexHashedNames(hashed);
  return {
    path: file,
    files: [file],
    get notes() {
      return lines.flatMap((_line, index) => {
        const entry = parse(index);
        return typeof entry === 'string' ? [`${file} ${entry}; passed over`] : [];
      });
    },
    lookup: (name) => {
      const wanted = name.toLowerCase();
      const entries = [
        ...(plain.get(wanted) ?? []).map(parse).filter((entry) => entry !== null && typeof entry !== 'string'),
        ...patterns.filter(({ hosts }) => hostsMatch(hosts, wanted)),
        ...hashedNames.find(wanted).map(({ entry }) => entry),
      ];
      const marked = (wantedMarker: KnownHostLine['marker']): KnownKey[] =>
        entries
          .filter(({ marker }) => marker === wantedMarker)
          .map(({ key, line, firstSeenMs }) => ({ ...key, file, line, firstSeenMs }));
      return { keys: marked(null), revoked: marked('@revoked'), authorities: marked('@cert-authority') };
    },
    add: (name, key, nowMs) => {
      const line = knownHostLine(name, key, nowMs);
      appendLines(file, line);
      // In place of what follows the last line break, which is nothing or a line that was ended now.
      if (lines.at(-1) === '') lines.pop();
      indexNames(name, lines.push(line.trimEnd(), '') - 2);
    },
  };
}

function firstField(line: string): string {
  const trimmed = line.trimStart();
  const end = trimmed.search(/\s/);
  return end === -1 ? trimmed : trimmed.slice(0, end);
}

/** Several files as one, as ssh takes UserKnownHostsFile and GlobalKnownHostsFile; keys are added to the first. */
export function joinKnownHosts(first: KnownHosts, ...others: readonly KnownHosts[]): KnownHosts {
  if (others.length === 0) return first;
  const all = [first, ...others];
  return {
    path: first.path,
    files: all.flatMap(({ files }) => files),
    notes: all.flatMap(({ notes }) => notes),
    lookup: (name) => {
      const found = all.map((one) => one.lookup(name));
      return {
        keys: found.flatMap(({ keys }) => keys),
        revoked: found.flatMap(({ revoked }) => revoked),
        authorities: found.flatMap(({ authorities }) => authorities),
      };
    },
    add: (name, key, nowMs) => first.add(name, key, nowMs),
  };
}

/** The line, with its line break, by which a key is known from now on. */
export function knownHostLine(name: string, { type, key }: HostKey, nowMs: number): string {
  return `${name} ${type} ${key} ${firstSeenComment(nowMs)}\n`;
}

/** One write to a file opened for appending: whole lines, whoever else appends at the same time. */
export function appendLines(file: string, lines: string): void {
  makeFolder(path.dirname(file));
  const handle = openSync(file, 'a+', 0o600);
  try {
    const { size } = fstatSync(handle);
    const last = Buffer.alloc(1);
    const unfinished = size > 0 && readSync(handle, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
    appendFileSync(handle, unfinished ? `\n${lines}` : lines);
  } finally {
    closeSync(handle);
  }
}

/** Finds names among hashed ones. Each line has a salt of its own, so each name has to be tried with each line. */
interface HashedNames<T extends HashedName> {
  /** Returns the lines of a name, in their order. */
  find(name: string): readonly T[];
}

/** Tries each name once. A hash is of one name, so a line that was found is not tried with other names again. */
function indexHashedNames<T extends HashedName>(lines: readonly T[]): HashedNames<T> {
  const found = new Map<string, readonly T[]>();
  let open = lines;
  return {
    find: (name) => {
      const known = found.get(name);
      if (known !== undefined) return known;
      const isOfName = ({ salt, hash }: T): boolean => createHmac('sha1', salt).update(name).digest().equals(hash);
      const result = open.filter(isOfName);
      if (result.length > 0) open = open.filter((line) => !result.includes(line));
      found.set(name, result);
      return result;
    },
  };
}
