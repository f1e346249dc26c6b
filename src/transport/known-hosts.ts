import { createHmac } from 'node:crypto';
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';

import { makeFolder } from '../make-folder.ts';
import { FleetError, messageOf } from '../errors.ts';
import { hostKeyOf, type HostKey } from './fingerprint.ts';

/** A key that a known_hosts file holds, with its place. */
export interface KnownKey extends HostKey {
  /** Counted from 1. */
  readonly line: number;
}

export interface KnownHostMatch {
  readonly keys: readonly KnownKey[];
  /** Keys that a `@revoked` line names for this host. */
  readonly revoked: readonly KnownKey[];
}

/** A known_hosts file as it was read; `add` is the one thing that changes it. */
export interface KnownHosts {
  readonly path: string;
  /** What was passed over, a sentence with its line each. */
  readonly notes: readonly string[];
  /** All keys under a name as `hostName` forms it. */
  lookup(name: string): KnownHostMatch;
  /** Appends a line (file mode 0600 when new) and knows the key from then on. Throws the system's error. */
  add(name: string, key: HostKey): void;
}

/** One line of known_hosts, taken apart. `sshd(8)`, section SSH_KNOWN_HOSTS FILE FORMAT, says what it may hold. */
export interface KnownHostLine {
  readonly line: number;
  readonly marker: '@revoked' | '@cert-authority' | null;
  /** The first field: names and patterns with commas between, or one hash. */
  readonly hosts: string;
  readonly key: HostKey;
}

/** The name under which known_hosts holds a host: lower case, and `[host]:port` unless the port is 22. */
export function hostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** A line taken apart; a sentence when it is malformed; null for an empty line or a comment. */
export function parseKnownHostLine(text: string, line: number): KnownHostLine | string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return null;
  const fields = trimmed.split(/[ \t]+/);
  const first = fields[0] ?? '';
  const marker = first === '@revoked' || first === '@cert-authority' ? first : null;
  if (first.startsWith('@') && marker === null) return `line ${line}: ${first.slice(0, 40)} is no known marker`;
  const [hosts, type, base64] = marker === null ? fields : fields.slice(1);
  if (hosts === undefined || type === undefined || base64 === undefined) {
    return `line ${line}: not \`host type key\``;
  }
  const key = hostKeyOf(Buffer.from(base64, 'base64'));
  if (key?.type !== type) return `line ${line}: the key is damaged, or not of type ${type.slice(0, 40)}`;
  return { line, marker, hosts, key };
}

/** True when the first field of a line holds for a name: plain, pattern (`*`, `?`, `!`) or hash (`|1|salt|hash`). */
export function hostsMatch(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return hashMatches(hosts, name);
  let matched = false;
  for (const pattern of hosts.split(',')) {
    const negated = pattern.startsWith('!');
    if (!globMatches(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function hashMatches(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** `*` and `?`, in at most the product of both lengths: a regular expression would take exponential time for some. */
function globMatches(pattern: string, name: string): boolean {
  const wanted = pattern.toLowerCase();
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < name.length;) {
    if (wanted[at] === '*') {
      star = at;
      at += 1;
      resume = index;
    } else if (wanted[at] === '?' || wanted[at] === name[index]) {
      at += 1;
      index += 1;
    } else if (star !== -1) {
      // The last `*` takes one character more.
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  return /^\**$/.test(wanted.slice(at));
}

/**
 * Reads a known_hosts file; one that does not exist holds no keys. Meant to be read once and shared by all clients:
 * plain names are indexed, while every hashed line costs 3 us for each name. Throws FleetError `state-unusable` when
 * it cannot be read.
 */
export function loadKnownHosts(file: string): KnownHosts {
  try {
    return parseKnownHosts(readFileSync(file, 'utf8'), file);
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return parseKnownHosts('', file);
    throw new FleetError({
      code: 'state-unusable',
      stage: 'handshake',
      message: `known hosts cannot be read: ${messageOf(thrown)}`,
      cause: thrown,
    });
  }
}

/** The same for a text; `file` is where `add` appends. */
export function parseKnownHosts(text: string, file: string): KnownHosts {
  const notes: string[] = [];
  const plain = new Map<string, KnownHostLine[]>();
  const others: KnownHostLine[] = [];
  const insert = (entry: KnownHostLine): void => {
    if (/[*?!|]/.test(entry.hosts)) {
      others.push(entry);
      return;
    }
    for (const name of new Set(entry.hosts.toLowerCase().split(','))) {
      const entries = plain.get(name);
      if (entries === undefined) plain.set(name, [entry]);
      else entries.push(entry);
    }
  };
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const entry = parseKnownHostLine(raw, index + 1);
    if (typeof entry === 'string') notes.push(`${file} ${entry}; passed over`);
    else if (entry?.marker === '@cert-authority') {
      notes.push(`${file} line ${entry.line}: @cert-authority is not supported; passed over`);
    } else if (entry !== null) insert(entry);
  }
  let lastLine = lines.length;
  return {
    path: file,
    notes,
    lookup: (name) => {
      const wanted = name.toLowerCase();
      const entries = [...(plain.get(wanted) ?? []), ...others.filter(({ hosts }) => hostsMatch(hosts, wanted))];
      const keyOf = ({ key, line }: KnownHostLine): KnownKey => ({ ...key, line });
      return {
        keys: entries.filter(({ marker }) => marker === null).map(keyOf),
        revoked: entries.filter(({ marker }) => marker === '@revoked').map(keyOf),
      };
    },
    add: (name, key) => {
      appendLines(file, `${name} ${key.type} ${key.key}\n`);
      insert({ line: lastLine, marker: null, hosts: name, key });
      lastLine += 1;
    },
  };
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
