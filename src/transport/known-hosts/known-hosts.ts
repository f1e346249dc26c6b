import { createHmac } from 'node:crypto';
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';

import { makeFolder } from '../../state-folder/durable-file.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { remembered } from '../../platform/remembered.ts';
import type { HostKey } from './fingerprint.ts';
import {
  firstSeenComment,
  hashedNameOf,
  hostsMatch,
  parseKnownHostLine,
  type HashedName,
  type KnownHostLine,
} from './known-hosts-line.ts';
import { comparableHost } from '../../config/values/networks.ts';

/** A key in a known_hosts file, with its file and line. */
export interface KnownKey extends HostKey {
  readonly file: string;
  /** The line number, counted from 1. */
  readonly line: number;
  /**
   * The time at which the key was accepted or trusted on this collector, in milliseconds since 1970. null if the line
   * does not record the time.
   */
  readonly firstSeenMs: number | null;
}

/** The keys that known_hosts files hold under one name. */
export interface KnownHostMatch {
  readonly keys: readonly KnownKey[];
  /** Keys that a `@revoked` line names for this host. */
  readonly revoked: readonly KnownKey[];
  /**
   * The keys of `@cert-authority` lines. Certificates signed by these keys are trusted, the keys themselves are not.
   */
  readonly authorities: readonly KnownKey[];
}

/** The contents of known_hosts files at the time of reading. Only `add` changes them. */
export interface KnownHosts {
  /** The file to which `add` appends. */
  readonly path: string;
  /** All files. The file that `add` appends to comes first. */
  readonly files: readonly string[];
  /** Skipped lines, as one sentence each with the line number. */
  readonly notes: readonly string[];
  /** Returns the keys of all lines that match a name formed by `hostName`, or a HostKeyAlias. */
  lookup(name: string): KnownHostMatch;
  /**
   * Appends a line to the file and adds the key to this object. Creates the file with mode 0600. Throws the system's
   * error.
   */
  add(name: string, key: HostKey, nowMs: number): void;
}

/** Returns the name of a host in known_hosts: as ssh compares it, and as `[host]:port` unless the port is 22. */
export function hostName(host: string, port: number): string {
  const name = comparableHost(host);
  return port === 22 ? name : `[${name}]:${port}`;
}

/**
 * Returns the known_hosts entries of a machine: the lines under its name with the port, and the lines without a port. A
 * revocation without a port applies to every port. A key or an authority without a port counts only if no key has the
 * port, as in ssh. Revoked authorities are omitted.
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

/**
 * Keys of lines without a port. A match accepts the machine's key, but a mismatch does not refuse it: such a line may
 * belong to another port.
 */
interface WithoutPort {
  readonly keysWithoutPort: readonly KnownKey[];
}

/**
 * Reads a known_hosts file. A missing file holds no keys. Read a file once and share the result among all clients:
 * plain names are indexed, but each hashed line costs half a microsecond per new name looked up. Throws FleetError
 * `state-unusable` if the file cannot be read.
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
 * Parses the text of a known_hosts file; `add` appends to `file`. A line of plain names is parsed at its first lookup,
 * so that for tens of thousands of lines only the names are read.
 */
export function parseKnownHosts(text: string, file: string): KnownHosts {
  const lines = text.split('\n');
  const plain = new Map<string, number[]>();
  const patterns: KnownHostLine[] = [];
  const hashed: (HashedName & { readonly entry: KnownHostLine })[] = [];
  const parse = (index: number): KnownHostLine | string | null => parseKnownHostLine(lines[index] ?? '', index + 1);
  const indexNames = (hosts: string, index: number): void => {
    for (const name of new Set(hosts.split(',').map(comparableHost))) {
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
  const withHashedName = indexHashedNames(hashed);
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
      const wanted = comparableHost(name);
      const entries = [
        ...(plain.get(wanted) ?? []).map(parse).filter((entry) => entry !== null && typeof entry !== 'string'),
        ...patterns.filter(({ hosts }) => hostsMatch(hosts, wanted)),
        ...withHashedName(wanted).map(({ entry }) => entry),
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
      // Replaces the empty entry after the last line break. An unfinished last line stays: `appendLines` has ended it.
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

/**
 * Joins several files, as ssh does for UserKnownHostsFile and GlobalKnownHostsFile. New keys are added to the first
 * file.
 */
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

/** Returns the known_hosts line of a key, with its line break. */
export function knownHostLine(name: string, { type, key }: HostKey, nowMs: number): string {
  return `${name} ${type} ${key} ${firstSeenComment(nowMs)}\n`;
}

/**
 * Appends lines in one write to a file opened for appending. The lines stay whole if another process appends at the
 * same time.
 */
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

/**
 * Returns a function that finds the lines of a name, in file order. Each line has its own salt, so each name has to be
 * hashed once per line. A hash belongs to one name, so a found line is not tried with other names.
 */
function indexHashedNames<T extends HashedName>(lines: readonly T[]): (name: string) => readonly T[] {
  let open = lines;
  return remembered((name: string): readonly T[] => {
    const isOfName = ({ salt, hash }: T): boolean => createHmac('sha1', salt).update(name).digest().equals(hash);
    const result = open.filter(isOfName);
    open = open.filter((line) => !result.includes(line));
    return result;
  });
}
