import { maxStateChars } from '../../src/report/state/state.ts';
import { watchName } from '../spool/stamp.ts';
import { databases } from './packages.ts';
import type { Entry, StateSource } from './state-source.ts';

/** The package databases and folders that are always watched. */
export const fixedPaths = [...databases, '/etc', '/etc/systemd/system'];
export const mostWatched = 32;

/** The file with the findings of earlier looks. The shell agent has the same rules (agent/capture/looks.awk). */
export const looksName = 'looks';
/** A path of /etc that so many looks within a day found changed is restless, until it rests for a day. */
export const restlessLooks = 3;
/** The most changed paths that a look counts: an installation changes more. */
export const mostCounted = 4;
export const daySeconds = 86_400;
/** The most paths in the file. */
export const mostLooked = 64;

/** The looks that found a path changed. */
interface Looked {
  readonly count: number;
  /** The times of the first counted change and of the newest change, in seconds since 1970. */
  readonly firstS: number;
  readonly newestS: number;
  /** Inode, size and time. */
  readonly status: string;
}

/**
 * Notes the paths whose times tell that something may have changed: the fixed ones, and the newest of /etc. Returns the
 * restless paths, which are not among them.
 */
export function watchPaths(
  source: Pick<StateSource, 'notes' | 'reader' | 'paths'>,
  entries: readonly Entry[],
  files: readonly Entry[],
): readonly string[] {
  const { notes, reader, paths } = source;
  const statusOf = (path: string): string => paths.statusOf(path);
  if (notes === null) return paths.restless;
  const nowS = Math.floor(reader.nowMs() / 1000);
  const looked = afterLook(looksIn(notes.read(looksName) ?? ''), statusOf, nowS);
  const restless = [...looked].flatMap(([path, { count }]) => (count < restlessLooks ? [] : [path])).sort();
  const watched = watchedPaths(entries, files).filter((path) => !restless.includes(path));
  notes.write(watchName, watched.slice(0, mostWatched).join('\n'));
  const counted = [...looked].flatMap(([path, { count }]) => (count > 0 ? [path] : []));
  const kept = [...new Set([...counted, ...watched.filter(mayRest).slice(0, mostWatched)])].slice(0, mostLooked);
  const lines = kept.map((path) => {
    const { count, firstS, newestS, status } = looked.get(path) ?? { ...unseen, status: statusOf(path) };
    return `${count} ${firstS} ${newestS} ${status} ${path}\n`;
  });
  notes.write(looksName, lines.join(''));
  return restless;
}

const unseen = { count: 0, firstS: 0, newestS: 0 };

/** True if a path may be restless. Package databases stay watched: whatever changes them is an installation. */
function mayRest(path: string): boolean {
  return path.startsWith('/etc');
}

/** Reads the notes of earlier looks. A line that is no such note is as if it were missing. */
function looksIn(text: string): ReadonlyMap<string, Looked> {
  const found = new Map<string, Looked>();
  for (const line of text.split('\n').slice(0, mostLooked)) {
    const [, count, first, newest, status = '', path] =
      /^(\d) (\d{1,11}) (\d{1,11}) (\S+ \S+ \S+) (\/.+)$/.exec(line) ?? [];
    if (path !== undefined && path.length < maxStateChars)
      found.set(path, { count: Number(count), firstS: Number(first), newestS: Number(newest), status });
  }
  return found;
}

/** Returns the notes after this look. */
function afterLook(
  before: ReadonlyMap<string, Looked>,
  statusOf: (path: string) => string,
  nowS: number,
): ReadonlyMap<string, Looked> {
  const isOver = (sinceS: number): boolean => nowS < sinceS || nowS - sinceS >= daySeconds;
  const now = [...before].map(([path, was]) => ({ path, was, status: statusOf(path) }));
  const changed = now.filter(({ was, status }) => status !== was.status && was.count < restlessLooks);
  const isCounted = changed.length <= mostCounted;
  return new Map(
    now.map(({ path, was, status }) => {
      if (status === was.status) return [path, isOver(was.newestS) ? { ...unseen, status } : was];
      const count = was.count >= restlessLooks ? was.count : isOver(was.firstS) ? 0 : was.count;
      const firstS = count === 0 ? nowS : was.firstS;
      const added = isCounted && count < restlessLooks ? 1 : 0;
      return [path, { count: count + added, firstS, newestS: nowS, status }];
    }),
  );
}

/** Returns the paths to watch, the fixed ones first. */
function watchedPaths(entries: readonly Entry[], files: readonly Entry[]): readonly string[] {
  const folders = entries.filter(({ kind, path }) => kind === 'folder' && !path.includes('\n'));
  const own = files.filter(({ path }) => !path.includes('\n'));
  const newest = [...folders, ...own].sort((one, other) => other.changedS - one.changedS);
  const others = newest.map(({ path }) => path).filter((path) => !fixedPaths.includes(path));
  return [...fixedPaths, ...others];
}
