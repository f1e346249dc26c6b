import { readUpdates, updatesFile, type KeptUpdates } from '../probes/updates.ts';
import type { Probe } from '../probes/probe.ts';
import { messageOf, type Notes, type ProgramAnswer, type Source } from '../probes/source.ts';
import { matchesGlobs } from '../probes/name-glob.ts';
import { inventoryMs } from './inventory.ts';
import { packageManagers, type PackageManager, type PendingUpdates } from './package-managers.ts';

const dayMs = 86_400_000;
const overdueDays = 7;
const staleDays = 30;
const maxNames = 500;
/** Starts a package manager at the lowest priority. */
const calmly = ['/usr/bin/env', 'LC_ALL=C', 'ZYPP_READONLY_HACK=1', 'nice', '-n', '19'];

/**
 * Asks the package manager for pending updates, with the machine's package lists, and keeps the answer for the visits
 * of a day. The first inventory of a client asks nothing: it comes with a first visit, which takes long already. A
 * machine whose manager never gave an answer is not asked again.
 */
export const updatesOfToday: Probe = {
  name: 'updates',
  deadlineMs: inventoryMs,
  check: 'updates',
  run: async ({ source, leftMs }) => {
    const { notes, reader } = source;
    const managers = packageManagers.filter(({ program }) => source.exists(program));
    const manager = managers.find(({ indexes }) => isThere(source, indexes)) ?? managers[0];
    if (notes === null || manager === undefined) return { functions: [] };
    const nowMs = reader.nowMs();
    const before = readUpdates(notes);
    const isNew = before === null && nowMs - notes.sinceMs() < dayMs / 2;
    if (isNew) return { functions: [] };
    try {
      if (!isThere(source, manager.indexes)) throw new Error('no package lists');
      const { security, ...pending } = await pendingUpdates(source, manager, leftMs);
      const known = isThere(source, manager.securityIndexes) ? security : null;
      writeUpdates(
        notes,
        evaluated({ ...pending, security: known }, before, { nowMs, listsMs: listsMs(source, manager) }),
      );
    } catch (error) {
      const text = messageOf(error).replace(/^env:/, 'package manager:');
      if (before !== null) writeUpdates(notes, { ...before, atMs: nowMs, state: 3, text, perfdata: '' });
    }
    return { functions: [] };
  },
};

async function pendingUpdates(
  { programs }: Source,
  { program, calls, statuses, partStatus, read }: PackageManager,
  leftMs: () => number,
): Promise<PendingUpdates> {
  const exits = partStatus === undefined ? statuses : [...statuses, partStatus];
  const answers: ProgramAnswer[] = [];
  for (const call of calls) answers.push(await programs.run(program, call, leftMs() - 200, exits, calmly));
  const isPart = partStatus !== undefined && answers.some(({ status }) => status === partStatus);
  return { ...read(answers.map(({ output }) => output)), isPart };
}

/** Returns the row to keep, with the time since when each security update has been pending. */
export function evaluated(
  { total, security, isPart = false, kept = 0 }: PendingUpdates,
  before: KeptUpdates | null,
  { nowMs, listsMs }: { readonly nowMs: number; readonly listsMs: number },
): KeptUpdates {
  const names = [...new Set(security ?? [])].sort();
  const seen = Object.fromEntries(
    names.slice(0, maxNames).map((name) => [name, Math.min(nowMs, before?.seen[name] ?? nowMs)]),
  );
  const days = Math.floor((nowMs - Math.min(nowMs, ...Object.values(seen))) / dayMs);
  const listsDays = Math.floor((nowMs - listsMs) / dayMs);
  const words = [
    ...(isPart ? ['a repository could not be read'] : []),
    total === 0 && !isPart
      ? 'no updates pending'
      : `${isPart ? 'at least ' : ''}${total} ${total === 1 ? 'update' : 'updates'} pending`,
    ...(security === null || total === 0 ? [] : [`${names.length} for security`]),
    ...(days > 0 ? [`the oldest for ${days} d`] : []),
    ...(kept > 0 ? [`${kept} kept back`] : []),
    ...(listsDays >= staleDays ? [`package lists are ${listsDays} d old`] : []),
  ];
  return {
    atMs: nowMs,
    state: days >= overdueDays ? 1 : isPart ? 3 : 0,
    text: words.join(', '),
    perfdata: isPart ? '' : `total=${total}${security === null ? '' : ` security=${names.length}`}`,
    seen,
  };
}

/** The most paths of a pattern that are looked at. */
const maxPaths = 1000;

/** True if a file matches one of the patterns, in which `*` stands for a part of a name. */
function isThere(source: Source, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    let paths = [''];
    for (const part of pattern.split('/').slice(1)) {
      const namesIn = (folder: string): readonly string[] =>
        part.includes('*') ? source.list(folder).filter((name) => matchesGlobs(part, name)) : [part];
      paths = paths.flatMap((folder) => namesIn(folder).map((name) => `${folder}/${name}`)).slice(0, maxPaths);
    }
    return paths.some((path) => source.exists(path));
  });
}

function listsMs(source: Source, { lists }: PackageManager): number {
  const newest = Math.max(...lists.map((path) => source.changedMs(path)));
  return newest === 0 ? source.reader.nowMs() : newest;
}

/** Keeps an answer for the visits of a day. */
function writeUpdates(notes: Notes, found: KeptUpdates): void {
  notes.write(updatesFile, JSON.stringify(found));
}
