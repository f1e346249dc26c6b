import { accessSync, closeSync, constants, openSync, readSync, statSync, type Stats } from 'node:fs';

import { errnoOf, usageError } from '../../platform/errors/errors.ts';
import { isCredential } from '../../platform/credentials.ts';
import { shellWord } from '../../text/shell-word.ts';
import type { Findings, Place, SourceFile } from '../xml/findings.ts';

/** The places of secrets, gathered while the files are read. */
export type SecretPlaces = ReturnType<typeof createSecretPlaces>;

/** Returns an empty collection of the places of secrets. */
export function createSecretPlaces() {
  return {
    /** Files that hold a literal secret, with the first element that holds one. */
    literal: new Map<SourceFile, Place>(),
    /** Files that hold a secret or a private key alone: absolute path -> the element that names it first. */
    files: new Map<string, Place>(),
  };
}

interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Reports every file with secrets that everybody or a foreign group can read, with the command that corrects the mode.
 * Reports every configuration file that another account could have written. A secret file that is missing or out of
 * reach is no fault: the command may not need it on this machine.
 */
export function checkPermissions(sources: readonly SourceFile[], places: SecretPlaces, findings: Findings): void {
  const ownGroups = groups();
  if (ownGroups === null) return;
  const reported = new Set<string>();
  for (const [source, place] of places.literal) {
    const problem = exposure(source.path, source, ownGroups);
    if (problem === null || reported.has(source.path)) continue;
    reported.add(source.path);
    findings.permission({ source, line: null }, `holds a secret (line ${place.line ?? 1}) and ${problem}`);
  }
  for (const [file, place] of places.files) {
    if (isCredential(file)) continue;
    const stat = statOf(file);
    const problem = stat?.isFile() === true ? exposure(file, stat, ownGroups) : null;
    if (problem !== null && !isPublicKey(file)) findings.permission(place, `the secret file ${file} ${problem}`);
  }
  for (const source of sources) {
    const problem = foreignHand(source);
    if (problem !== null) findings.permission({ source, line: null }, problem);
  }
}

/** Throws FleetError `usage` if everybody or a foreign group can read the file of a secret. */
export function checkSecretFile(file: string): void {
  const ownGroups = groups();
  const stat = statOf(file);
  const problem = ownGroups !== null && stat?.isFile() === true ? exposure(file, stat, ownGroups) : null;
  if (problem !== null) throw usageError(`the secret file ${file} ${problem}`);
}

/** True if a file holds the public half of a key, which privateKey may name to pick a key of an ssh-agent. */
function isPublicKey(file: string): boolean {
  const start = Buffer.alloc(200);
  try {
    const open = openSync(file, 'r');
    const length = readSync(open, start);
    closeSync(open);
    return /^(?:ssh|ecdsa|sk)-[\w@.-]+ AAAA[\w+/]/.test(start.toString('latin1', 0, length));
  } catch {
    return false;
  }
}

function statOf(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

/**
 * Returns a message if another account could have written a configuration file, whose commands run as the account that
 * reads the file; null if none could. Trusts root's files, and the group with the account's own number, which belongs
 * to the account alone.
 */
function foreignHand({ path, mode, uid, gid }: SourceFile): string | null {
  const own = process.geteuid?.() ?? uid;
  if (uid !== 0 && uid !== own) {
    const who = `belongs to account ${uid}, whose commands would run as account ${own}`;
    const commands = `sudo chown ${own === 0 ? 'root' : own} ${shellWord(path)}`;
    return `${who}; run this as that account, or, if you know what the file says: ${commands}`;
  }
  const everybody = (mode & 0o002) !== 0;
  if (!everybody && ((mode & 0o020) === 0 || gid === uid)) return null;
  return `can be written by ${everybody ? 'everybody' : `the group ${gid}`}; run: chmod go-w ${shellWord(path)}`;
}

function exposure(file: string, { mode, uid, gid }: Access, ownGroups: ReadonlySet<number>): string | null {
  const world = (mode & 0o004) !== 0;
  const foreignGroup = (mode & 0o040) !== 0 && !ownGroups.has(gid);
  if (!world && !foreignGroup) return null;
  // If another account owns the file, this account may read it as a member of the file's group.
  const keepsGroup = uid !== process.geteuid?.() && (mode & 0o040) !== 0 && !foreignGroup;
  const whom = world ? 'everybody' : `the group ${gid}, which is not ours`;
  if (isMountedHere(file)) {
    return `can be read by ${whom}; give it the mode 0400 where the container gets it (mode, defaultMode)`;
  }
  return `can be read by ${whom}; run: chmod ${keepsGroup ? '640' : '600'} ${shellWord(file)}`;
}

/** True if Docker, Podman or Kubernetes mounts a secret: its mode is that of the mount, and chmod fails. */
function isMountedHere(file: string): boolean {
  if (file.startsWith('/run/secrets/')) return true;
  try {
    accessSync(file, constants.W_OK);
    return false;
  } catch (thrown) {
    return errnoOf(thrown) === 'EROFS';
  }
}

function groups(): ReadonlySet<number> | null {
  if (process.getgroups === undefined || process.getegid === undefined) return null;
  return new Set([...process.getgroups(), process.getegid()]);
}
