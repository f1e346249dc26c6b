import type { Packages } from './packages.ts';
import { maxFileBytes, stateLine, timeAndSize, unwalked, type Entry, type StateSource } from './state-source.ts';

/** Files that other sections have, that programs write, and that package managers leave behind. For grep -E as well. */
export const leftOut = [
  '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$',
  '^/etc/systemd/system/',
  ...unwalked.paths.map((folder) => `^${folder}/`),
  ...[...unwalked.names, '.etckeeper'].map((name) => `/${name.replace('.', '[.]')}(/|$)`),
  '^/etc/(ld[.]so[.]cache|mtab|adjtime|aliases[.]db|[.]pwd[.]lock|[.]updated)$',
  '^/etc/udev/hwdb[.]bin$',
  '^/etc/selinux/[^/]+/(active|policy|contexts/files/[^/]+[.]bin$)',
  '~$',
  '[.](swp|lock|cache)$',
  '[.](dpkg|ucf)-[a-z]+$',
  '[.](rpmnew|rpmsave|rpmorig|pacnew|pacsave|apk-new)$',
].join('|');

/** The most files of a section, as in stateLimits. */
const maxFiles = 2000;

/** Returns the files of /etc that differ from those of their packages. */
export function ownFiles(source: StateSource, entries: readonly Entry[], { shipped }: Packages): readonly Entry[] {
  const isLeftOut = new RegExp(leftOut);
  const own = entries.filter(({ path, kind, isOpen, sizeBytes }) => {
    if (kind !== 'file' || isLeftOut.test(path)) return false;
    const originals = shipped.get(path) ?? [];
    const isAsShipped = originals.some(({ algorithm, digest }) => source.digest(path, algorithm) === digest);
    return !isOpen || sizeBytes > maxFileBytes || !isAsShipped;
  });
  return own.slice(0, maxFiles);
}

/**
 * Returns the lines of files: a digest, or time and size of a file that not every account may read. A restless file or
 * folder has that word, so that it is told once.
 */
export function fileLines(
  source: StateSource,
  files: readonly Entry[],
  restless: readonly string[],
): readonly string[] {
  const rests = new Set(restless);
  const lines = files.filter(({ path }) => !rests.has(path)).slice(0, maxFiles - rests.size);
  const named = restless.flatMap((path) => stateLine(path, 'restless'));
  const told = lines.flatMap((file) => {
    const digest = file.isOpen ? source.digest(file.path, 'sha256') : null;
    return stateLine(file.path, digest?.slice(0, 32) ?? timeAndSize(file), file.changedS);
  });
  return [...named, ...told];
}
