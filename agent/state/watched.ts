import { databases } from './packages.ts';
import type { Entry } from './state-source.ts';

/** The package databases and folders that are always watched. */
export const fixedPaths = [...databases, '/etc', '/etc/systemd/system'];
export const mostWatched = 32;

/** Returns the paths whose times tell that something may have changed: the fixed ones, and the newest of /etc. */
export function watchedPaths(entries: readonly Entry[], files: readonly Entry[]): readonly string[] {
  const folders = entries.filter(({ kind, path }) => kind === 'folder' && !path.includes('\n'));
  const own = files.filter(({ path }) => !path.includes('\n'));
  const newest = [...folders, ...own].sort((one, other) => other.changedS - one.changedS);
  const others = newest.map(({ path }) => path).filter((path) => !fixedPaths.includes(path));
  return [...fixedPaths, ...others].slice(0, mostWatched);
}
