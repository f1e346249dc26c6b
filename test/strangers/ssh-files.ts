/** Keys, known_hosts and ssh_config of SSH's implementations, beside what OpenSSH's programs make of them. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { decodeLoginKey } from '../../src/transport/credentials/private-key.ts';
import { loadKnownHosts } from '../../src/transport/known-hosts/known-hosts.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { ask, inWordsOfSsh, ofSsh, sshSays } from '../transport/ssh-config/support/ssh-says.ts';
import { filesIn } from './corpus.ts';
import { thrownWords, type Outcome, type Subject } from './subject.ts';

type Judged = { readonly outcome: Outcome; readonly words: string };

export const sshFiles: Subject = {
  name: 'ssh',
  packages: [
    ...['openssh', 'paramiko', 'python-asyncssh', 'golang-github-kevinburke-ssh-config', 'libssh', 'libssh2'],
    ...['dropbear', 'ruby-net-ssh', 'golang-golang-x-crypto', 'jsch', 'twisted', 'ansible', 'fabric'],
  ],
  cases: function* (corpora) {
    const folder = tempFolder();
    for (const corpus of corpora) {
      for (const file of filesIn(corpus.folder, /./)) {
        const kind = kindOf(file);
        if (kind === null) continue;
        yield { corpus, name: path.relative(corpus.folder, file), ...judgedBy(kind, file, folder) };
      }
    }
  },
};

type Kind = 'key' | 'known_hosts' | 'config';

const maxBytes = 64 * 1024;

/** Returns the kind of a file by its name and its content; null for another one. */
function kindOf(file: string): Kind | null {
  if (/\.(?:c|h|py|go|java|rb|sh|md|rst|txt|in|po|patch|html|yml|yaml|j2|diff|ref|t|pl)$|\/\.pc\/|\/\.git/.test(file))
    return null;
  if (/\/(?:ssh_)?known_hosts\w*$/.test(file)) return 'known_hosts';
  const content = readFileSync(file);
  if (content.length > maxBytes || content.length === 0) return null;
  const text = content.toString('latin1');
  if (/^(?:PuTTY-User-Key-File|-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|---- BEGIN SSH2)/m.test(text)) return 'key';
  if (/^(?:ssh-|ecdsa-|sk-)[\w@.-]+ AAAA/.test(text)) return 'key';
  if (!/config|testdata/i.test(path.basename(path.dirname(file)) + path.basename(file))) return null;
  return /^[ \t]*(?:Host|Match)[ \t=]/im.test(text) &&
    /^[ \t]*(?:HostName|User|Port|IdentityFile|ProxyCommand|Include)[ \t=]/im.test(text)
    ? 'config'
    : null;
}

function judgedBy(kind: Kind, file: string, folder: string): Judged {
  try {
    if (kind === 'key') return judgedKey(file, folder);
    return kind === 'config' ? judgedConfig(file) : judgedKnownHosts(file);
  } catch (thrown) {
    return { outcome: 'wrong', words: thrownWords(thrown) };
  }
}

/** The passphrases that test suites of SSH use for their keys. */
const passphrases = ['', 'mekmitasdigoat', 'television', 'secret', 'secret123', 'libssh-rocks', 'libssh2'];

/** Compares a key with what `ssh-keygen -y` derives from it: the same public key, or refused by both. */
function judgedKey(file: string, folder: string): Judged {
  const copy = path.join(folder, 'key');
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
  const text = readFileSync(file, 'utf8');
  const isPublic = !text.includes('PRIVATE KEY');
  let theirs: string | null = null;
  let passphrase = '';
  for (passphrase of passphrases) {
    const args = isPublic ? ['-e', '-m', 'RFC4716', '-f', copy] : ['-y', '-P', passphrase, '-f', copy];
    const { status, stdout } = spawnSync('ssh-keygen', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    theirs =
      status === 0 ? (isPublic ? (text.trim().split(/\s+/)[1] ?? '') : (stdout.split(' ')[1] ?? '').trim()) : null;
    if (theirs !== null || isPublic) break;
  }
  let ours: string;
  try {
    ours = decodeLoginKey(text, theirs === null || passphrase === '' ? null : passphrase).publicBlob.toString('base64');
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : '';
    const isNamed = /not supported|DSA|security key|certificate|PuTTY|cipher|no passphrase|damaged|no key/.test(words);
    return { outcome: theirs === null || isNamed ? 'refused' : 'wrong', words };
  }
  if (theirs === null) {
    // OpenSSL reads Ed25519 in PKCS#8, and ssh2 some keys of PuTTY, which ssh-keygen does not.
    const isOther = /^(?:-----BEGIN PRIVATE KEY-----|PuTTY-User-Key-File-2: ssh-rsa)/.test(text);
    return { outcome: isOther ? 'read' : 'wrong', words: 'read, but refused by ssh-keygen' };
  }
  return ours === theirs
    ? { outcome: 'read', words: 'the same public key' }
    : { outcome: 'wrong', words: 'another key' };
}

/** Compares the look-ups of all names of a file with `ssh-keygen -F`. */
function judgedKnownHosts(file: string): Judged {
  const text = readFileSync(file, 'utf8');
  const known = loadKnownHosts(file);
  const fields = text.split('\n').flatMap(
    (line) =>
      line
        .replace(/^@\S+\s+/, '')
        .split(/\s+/)[0]
        ?.split(',') ?? [],
  );
  const names = new Set(fields.filter((one) => /^[\w.:[\]-]+$/.test(one)).map((one) => one.toLowerCase()));
  const differing = [...names, 'no-such-host.example.org'].flatMap((name) => {
    const { stdout } = spawnSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' });
    const theirs = Array.from(stdout.matchAll(/^# Host .* found: line (\d+)/gm), ([, line]) => Number(line));
    const { keys, revoked, authorities } = known.lookup(name);
    // ssh-keygen prints lines whose keys are damaged, too.
    const isPassedOver = (line: number): boolean => known.notes.some((note) => note.includes(` line ${line}:`));
    const ours = [...keys, ...revoked, ...authorities].map(({ line }) => line).sort((one, other) => one - other);
    return isDeepStrictEqual(
      ours,
      theirs.filter((line) => !isPassedOver(line)),
    )
      ? []
      : [`${name}: ${ours.join()} and ${theirs.join()} there`];
  });
  const words = `${names.size} names, ${known.notes.length} lines passed over`;
  return differing.length > 0 ? { outcome: 'wrong', words: differing.join('; ') } : { outcome: 'read', words };
}

/** Compares the answers for each host of a file with `ssh -G`, unless a difference is named. */
function judgedConfig(file: string): Judged {
  const text = readFileSync(file, 'utf8');
  const lines = text.match(/^[ \t]*Host[ \t=]+.*$/gim) ?? [];
  const hosts = lines.flatMap((line) => line.replace(/^[ \t]*Host[ \t=]+/i, '').split(/[\s"]+/));
  const names = new Set([...hosts.filter((one) => /^[\w.-]+$/.test(one)), 'other.example.org']);
  const words: string[] = [];
  let outcome: Outcome = 'read';
  for (const name of names) {
    const said = sshSays(file, name);
    const theirs = said === null ? null : ofSsh(said);
    try {
      const asked = ask(file, name);
      const notes = [...asked.answer.opensshOnly, ...asked.answer.passedOver, ...asked.values.notes];
      const ours = inWordsOfSsh(asked);
      if (isDeepStrictEqual(ours, theirs)) continue;
      // ssh refuses a file for an unknown option in a block of another host.
      if (notes.length === 0 && theirs !== null) outcome = 'wrong';
      const differing = Object.entries(ours).filter(([key, value]) => !isDeepStrictEqual(value, theirs?.[key]));
      words.push(`${name}: ${theirs === null ? 'taken' : JSON.stringify(differing)}, named: ${notes.length > 0}`);
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      outcome = theirs === null && outcome !== 'wrong' ? 'refused' : 'wrong';
      words.push(`${name}: ${thrown.message}`);
      break;
    }
  }
  return { outcome, words: words.join('; ') || `${names.size} hosts as ssh -G` };
}
