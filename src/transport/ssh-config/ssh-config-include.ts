import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import path from 'node:path';

import { fileNameMatcher, isGlob } from '../../config/values/globs.ts';
import type { SshSelf } from './ssh-config-tokens.ts';

/** An Include argument that no file name can be made of, worded to continue a sentence that begins with `Include`. */
export type IncludeFault = 'names the home folder of another account';

/** Returns the files of an Include argument in glob(3)'s order. `base` is the folder of relative names. */
export function includedPaths(
  pattern: string,
  { base, home: ownHome }: { readonly base: string; readonly home: string },
): readonly string[] | IncludeFault {
  if (/^~[^/]/.test(pattern)) return 'names the home folder of another account';
  const home = pattern === '~' || pattern.startsWith('~/') ? path.join(ownHome, pattern.slice(1)) : pattern;
  const whole = path.resolve(base, home);
  if (!isGlob(whole)) return [whole];
  let places: readonly string[] = ['/'];
  for (const part of whole.split('/').filter((name) => name !== '')) {
    places = isGlob(part) ? matchesIn(places, part) : places.map((place) => path.join(place, part));
  }
  // glob(3) sorts whole paths by their bytes, so `a-b/x` comes before `a/x`.
  return [...places].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

function matchesIn(folders: readonly string[], part: string): readonly string[] {
  const matches = fileNameMatcher(byteByByte(part), { braces: false });
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => matches(byteByByte(name)))
      .map((name) => path.join(folder, name)),
  );
}

/** Returns a text with one character for each byte: in ssh, which sets no locale, `?` matches one byte. */
function byteByByte(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Reads an ssh_config file. As in ssh, the owner and mode are checked for the user's own file and for included files,
 * but not for a file that config.xml names or for the system's file. Returns a sentence about the fault for a file that
 * ssh refuses, for a named pipe and for a file above `maxBytes`. Returns an empty text for an included folder, as ssh
 * does. Throws the error of the file system if the file cannot be read.
 */
export function readSshConfigText(
  file: string,
  { self, included, maxBytes }: { readonly self: SshSelf; readonly included: boolean; readonly maxBytes: number },
): { readonly text: string } | string {
  // Without the flag a named pipe would block for ever.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(handle);
    const checked = included || file === path.join(self.home, '.ssh', 'config');
    if (checked && isForeign(stat, self))
      return 'it belongs to somebody else, or others can write to it; ssh refuses it too';
    if (stat.isDirectory() && included) return { text: '' };
    if (!stat.isFile() && file !== '/dev/null') return 'it is no ordinary file';
    return stat.size > maxBytes ? 'it is too large for an ssh_config' : { text: readFileSync(handle, 'utf8') };
  } finally {
    closeSync(handle);
  }
}

/**
 * True if another user owns the file or can write to it (readconf.c: SSHCONF_CHECKPERM). The user's own group may
 * write, as in Debian's ssh.
 */
function isForeign({ uid, gid, mode }: Stats, self: SshSelf): boolean {
  if (uid !== 0 && String(uid) !== self.uid) return true;
  const isOwnGroup = self.uid === String(process.getuid?.()) && gid === process.getgid?.();
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isOwnGroup);
}
