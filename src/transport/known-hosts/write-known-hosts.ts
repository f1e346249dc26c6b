import { readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';

import { writeDurably } from '../../state-folder/durable-file.ts';
import type { HostKey } from './fingerprint.ts';
import { hostsMatch, parseKnownHostLine } from './known-hosts-line.ts';
import { appendLines, knownHostLine, loadKnownHosts } from './known-hosts.ts';
import { comparableHost } from '../../config/values/networks.ts';

/** A host and the keys to trust for it. */
export interface TrustedHost {
  /** The name formed by `hostName`: `host` or `[host]:port`. */
  readonly name: string;
  readonly keys: readonly HostKey[];
}

/**
 * Appends the keys that the file does not hold yet, in one write. Creates the file with mode 0600. Returns the number
 * of added lines.
 */
export function addKnownHosts(file: string, hosts: readonly TrustedHost[], nowMs: number): void {
  const known = loadKnownHosts(file);
  const lines = hosts.flatMap(({ name, keys }) => {
    const present = known.lookup(name).keys;
    return keys
      .filter(({ key }) => !present.some((other) => other.key === key))
      .map((key) => knownHostLine(name, key, nowMs));
  });
  // Two clients may have the same address.
  const added = [...new Set(lines)];
  if (added.length > 0) appendLines(file, added.join(''));
}

/**
 * Makes the given keys the only keys of their hosts. Removes the hosts' other keys, including hashed lines; from a line
 * with several names, removes only the host's name. Every other byte of the file stays. Replaces the file by a rename,
 * so that a reader sees either the old or the new file, complete. Never changes `@revoked` lines.
 */
export function replaceKnownHosts(file: string, hosts: readonly TrustedHost[], nowMs: number): void {
  for (let attempt = 1; ; attempt += 1) {
    const target = realPath(file);
    const before = stampOf(target);
    // latin1 preserves every byte.
    const text = before === null ? '' : readFileSync(target, 'latin1');
    const content = replacedLines(text, hosts, nowMs);
    const written = `${target}.${process.pid}.new`;
    try {
      const mode = before === null ? 0o600 : statSync(target).mode & 0o777;
      writeDurably({ file: written, content: Buffer.from(content, 'latin1'), mode, exclusive: true });
      if (stampOf(target) === before) {
        renameSync(written, target);
        return;
      }
    } finally {
      rmSync(written, { force: true });
    }
    if (attempt === 10) throw new Error(`${file} is being written by somebody else`);
  }
}

function replacedLines(text: string, hosts: readonly TrustedHost[], nowMs: number): string {
  const present = new Set<string>();
  const kept = (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((raw, index) => {
    const entry = parseKnownHostLine(raw, index + 1);
    if (entry === null || typeof entry === 'string' || entry.marker !== null) return raw;
    let names = entry.hosts.split(',');
    for (const { name, keys } of hosts) {
      if (!hostsMatch(entry.hosts, name)) continue;
      if (keys.some(({ key }) => key === entry.key.key)) {
        present.add(`${name} ${entry.key.key}`);
        continue;
      }
      if (entry.hosts.startsWith('|')) names = [];
      else names = names.filter((other) => comparableHost(other) !== name);
    }
    if (names.length === 0 || names.every((name) => name.startsWith('!'))) return '';
    return names.length === entry.hosts.split(',').length ? raw : raw.replace(entry.hosts, names.join(','));
  });
  const added = hosts.flatMap(({ name, keys }) =>
    keys.filter(({ key }) => !present.has(`${name} ${key}`)).map((key) => knownHostLine(name, key, nowMs)),
  );
  let content = kept.join('');
  if (content !== '' && !content.endsWith('\n') && added.length > 0) content += '\n';
  return content + [...new Set(added)].join('');
}

/** Returns the target of a symbolic link, so that the rename replaces the target and the link stays. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function stampOf(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : [stat.ino, stat.size, stat.mtimeMs].join(' ');
}
