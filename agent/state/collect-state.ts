/** agent/state: packages, files, units, accounts, listeners and mounts, for what changed. */
import { stateDigest, stateLimits } from '../../src/report/state/state.ts';
import type { StateKind, StateSection } from '../../src/report/report.ts';
import type { Collected, CollectOptions } from '../probes/collected.ts';
import { printable } from '../probes/function-report.ts';
import { messageOf } from '../probes/source.ts';
import { fileLines, ownFiles } from './files.ts';
import { liveState } from './live-state.ts';
import { readPackages } from './packages.ts';
import type { Entry, StateSource } from './state-source.ts';
import { accountLines, listenerLines, mountLines, systemLines } from './system.ts';
import { unitLines } from './units.ts';
import { watchPaths } from './watched.ts';

/** The time for the package manager. */
const packagesMs = 8000;

/** Collects the state of this machine, and notes the paths that visits watch from now on. Never throws. */
export async function collectState(options: CollectOptions): Promise<Collected> {
  return readState(liveState(options.source, ''), options);
}

/** Collects the state of a machine. */
export async function readState(
  source: StateSource,
  { options, deadlineMs }: Pick<CollectOptions, 'options' | 'deadlineMs'>,
): Promise<Collected> {
  const begun = process.uptime();
  const leftMs = (): number => Math.max(1, Math.min(packagesMs, deadlineMs - 500) - (process.uptime() - begun) * 1000);
  const packages = await readPackages(source, leftMs);
  const entries = source.below('/etc');
  const { files, unknown } = filesOf(() => ownFiles(source, entries, packages));
  const restless = watchPaths(source, entries, files);
  const { known = {}, noFiles = false } = options;
  // A walk that finds no file beside /etc/passwd has failed.
  const isUnread = !entries.some(({ kind }) => kind === 'file') && source.exists('/etc/passwd');
  const unread = isUnread ? 'no files in /etc' : null;
  const section = (kind: StateKind, read: () => readonly string[], error: string | null = null): StateSection =>
    sectionOf(kind, read, error, known[kind]);
  const sections = [
    section('package', () => packages.lines, packages.error),
    // Without the packages every file of /etc would look like one of people's own.
    ...(noFiles
      ? []
      : [section('file', () => fileLines(source, files, restless), packages.error ?? unread ?? unknown)]),
    section('unit', () => unitLines(source), unread),
    section('account', () => accountLines(source)),
    section('listener', () => listenerLines(source)),
    section('mount', () => mountLines(source)),
    section('system', () => systemLines(source)),
  ];
  return { workerReports: [], counters: null, report: { name: 'State report', sections } };
}

/** Returns the files, or the reason why it is unknown which ones are as their packages ship them. */
function filesOf(read: () => readonly Entry[]): { readonly files: readonly Entry[]; readonly unknown: string | null } {
  try {
    return { files: read(), unknown: null };
  } catch (error) {
    return { files: [], unknown: messageOf(error) };
  }
}

function sectionOf(
  kind: StateKind,
  read: () => readonly string[],
  error: string | null,
  known: string | undefined,
): StateSection {
  const failed = (reason: string): StateSection => ({ kind, digest: '', error: printable(reason), lines: null });
  if (error !== null) return failed(error);
  try {
    const sorted = [...read()].sort();
    // A walk beside which names change may come by one of them twice, and no report may hold an item twice.
    const lines = sorted.filter((line, at) => itemOf(line) !== itemOf(sorted[at - 1])).slice(0, stateLimits[kind]);
    const digest = stateDigest(lines);
    return { kind, digest, error: null, lines: digest === known ? null : lines };
  } catch (thrown) {
    return failed(messageOf(thrown));
  }
}

function itemOf(line = ''): string {
  return line.slice(0, line.indexOf('\t') + 1);
}
