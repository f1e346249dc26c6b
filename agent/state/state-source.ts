import { isPlain, maxStateChars } from '../../src/report/state/state.ts';
import type { Source } from '../probes/source.ts';

/** A machine whose state is read. */
export interface StateSource extends Source {
  /** Returns the files, links and folders below a folder, sorted by path; at most `mostEntries`. */
  below(folder: string): readonly Entry[];
  /**
   * Returns the digest of a file in hexadecimal digits, of a unit without its secrets (canonicalUnit). Returns null for
   * a file that cannot be read or is too large, that holds a secret (holdsSecret), or if the digest is not available.
   */
  digest(path: string, algorithm: Algorithm): string | null;
  readonly paths: PathsOfStamp;
  /** The UDP sockets as they were when the look began; null if they are unknown. */
  readonly udpBefore: string | null;
}

/** The paths on which a stamp depends. */
export interface PathsOfStamp {
  /** Returns inode, size and time of a path, by which a stamp differs; `- - -` if it is missing. */
  statusOf(path: string): string;
  /** The restless paths that the client has found; none if they are found here. */
  readonly restless: readonly string[];
}

export type Algorithm = 'md5' | 'sha1' | 'sha256' | 'unit';

/** The digests of no byte at all. A program that does not know them is not what its name says. */
export const emptyDigests = {
  md5: 'd41d8cd98f00b204e9800998ecf8427e',
  sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

export interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'link' | 'folder';
  /** True if every account may read the file or folder, and look into the folders above it. */
  readonly isOpen: boolean;
  readonly sizeBytes: number;
  /** The time of the last change in seconds since 1970. */
  readonly changedS: number;
}

/** Folders with so many files and links, which no section has, that only the folder itself is looked at. */
export const unwalked = { paths: ['/etc/ssl/certs', '/etc/pki/ca-trust/extracted'], names: ['.git', '.svn'] } as const;

/** The most entries of a folder that are looked at. */
export const mostEntries = 20_000;
/** The size above which a file has no digest. */
export const maxFileBytes = 256 * 1024;

/** A password in a URL, and the values that systemd keeps from other accounts. POSIX, for grep -E as well. */
export const secretPattern = '//[^/:@ ]*:[^/@ ]*@|^[ \t]*(Environment|SetCredential[A-Za-z]*)[ \t]*=';
/** A password in /etc/fstab. */
export const fstabPattern = 'pass|cred';

/** True if a file has time and size in place of a digest, because the digest of a short secret can be guessed. */
export function holdsSecret(path: string, text: string): boolean {
  const [secret, inFstab] = [new RegExp(secretPattern), new RegExp(fstabPattern)];
  return text.split('\n').some((line) => secret.test(line) || (path === '/etc/fstab' && inFstab.test(line)));
}

/** Returns the text of a unit in whole lines, without Environment=, SetCredential*= and passwords of URLs. */
export function canonicalUnit(text: string): string {
  return text
    .replace(/\\\n/g, ' ')
    .replace(/^([ \t]*(?:Environment|SetCredential[A-Za-z]*)[ \t]*=)[^\n]*/gm, '$1')
    .replace(/\/\/[^/:@ \n]*:[^/@ \n]*@/g, '//')
    .replace(/\n+$/, '');
}

/** Returns time and size of a file that has no digest. */
export function timeAndSize({ changedS, sizeBytes }: Pick<Entry, 'changedS' | 'sizeBytes'>): string {
  return `${new Date(changedS * 1000).toISOString().slice(0, 19)}Z ${sizeBytes}`;
}

/** Returns a line of a section; none if a name or value cannot be printed, or the line is too long. */
export function stateLine(item: string, value: string, changedS?: number): readonly string[] {
  if (item === '' || item.length + value.length >= maxStateChars) return [];
  const line = changedS === undefined ? `${item}\t${value}` : `${item}\t${value}\t${Math.max(0, changedS)}`;
  return isPlain(item) && isPlain(value) && line.length <= maxStateChars ? [line] : [];
}

/** Returns a text without the user and password of a URL. */
export function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/@]*@/g, '//');
}
