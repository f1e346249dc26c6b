import { lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { fieldsOf, parseRunEnd, parseRunStart, parseVisit } from './parse-records.ts';

export type JournalLine =
  | { readonly kind: 'start'; readonly start: RunStart }
  | { readonly kind: 'visits'; readonly visits: readonly VisitRecord[] }
  | { readonly kind: 'end'; readonly end: RunEnd }
  /** A run that another collector forwarded. */
  | { readonly kind: 'forwarded'; readonly start: RunStart; readonly end: RunEnd };

/** A journal as it was read. */
export interface Journal {
  readonly lines: readonly JournalLine[];
  /** The number of lines and visits of another form than this program writes. */
  readonly strange: number;
}

/** The largest journal: a stream of a site, or a run over more clients than one collector visits. */
const largestBytes = 64 * 1024 * 1024;
/** The end of the name of a journal, before `.jsonl` after a run that could not store all of its records. */
const againMark = '.again';

/** The size of the journal beyond which the oldest runs are deleted: weeks of visits are not worth a full disk. */
export const defaultMaxBytes = 256 * 1024 * 1024;

/** Returns the name of a journal. Names sort by time. */
export function journalName(startedAtMs: number, id: string): string {
  return `${String(startedAtMs).padStart(15, '0')}-${id}.jsonl`;
}

/** Returns the name of a journal that the collector of a site has forwarded. */
export function forwardedName(newestMs: number, site: string, id: string): string {
  return journalName(newestMs, `${site}.${id}`);
}

/** Returns the id of the site that has forwarded a journal; null for a journal of this collector. */
export function siteOfJournal(name: string): string | null {
  return /^\d{15}-([0-9a-f-]{36})\.[0-9a-f-]{36}(?:\.again)?\.jsonl$/.exec(name)?.[1] ?? null;
}

/** True if an earlier run could not store all records of a journal. */
export function hasFailed(file: string): boolean {
  return file.endsWith(`${againMark}.jsonl`);
}

/** Returns the path of a journal without, or with, the mark of a run that could not store all of its records. */
export function unmarked(file: string): string {
  return hasFailed(file) ? `${file.slice(0, -`${againMark}.jsonl`.length)}.jsonl` : file;
}

export function marked(file: string): string {
  return `${unmarked(file).slice(0, -'.jsonl'.length)}${againMark}.jsonl`;
}

/** Returns the path of the journal of a run. */
export function journalPath(dir: string, startedAtMs: number, id: string): string {
  return path.join(dir, journalName(startedAtMs, id));
}

/** Returns the time in the name of a journal: the beginning of its run. */
export function journalTime(file: string): number {
  return Number(path.basename(file).slice(0, 15));
}

/** Returns the visits of a line. */
export function visitsOf(line: JournalLine): readonly VisitRecord[] {
  return line.kind === 'visits' ? line.visits : [];
}

/** Returns the end of the run of a journal. A killed run has written no end. */
export function endOfJournal(lines: readonly JournalLine[], start: RunStart, nowMs: number): RunEnd {
  const end = lines.find((line) => line.kind === 'end')?.end ?? killedEnd(start, lines.flatMap(visitsOf), nowMs);
  return { ...end, id: start.id };
}

/** Returns the end of a run that has written none, because it was killed or the machine went down. */
function killedEnd(start: RunStart, visits: readonly VisitRecord[], nowMs: number): RunEnd {
  const ends = visits.map((visit) => visit.startedAtMs + visit.durationMs);
  const succeeded = visits.filter((visit) => visit.ok).length;
  return {
    id: start.id,
    outcome: 'failed',
    finishedAtMs: Math.min(nowMs, Math.max(start.startedAtMs, ...ends.slice(-1000))),
    clients: visits.length,
    succeeded,
    failed: visits.length - succeeded,
    skipped: 0,
    cpuMs: 0,
    maxRssBytes: 0,
  };
}

/**
 * Deletes the oldest journals of this collector until the rest is within the bound. Keeps journals of sites, because
 * they were acknowledged. Returns the remaining journals, oldest first.
 */
export function boundJournals(
  dir: string,
  maxBytes = defaultMaxBytes,
): { readonly kept: readonly string[]; readonly dropped: number } {
  const kept: string[] = [];
  let bytes = 0;
  let dropped = 0;
  for (const name of journalNames(dir).toReversed()) {
    const file = path.join(dir, name);
    if (siteOfJournal(name) !== null) {
      kept.unshift(file);
      continue;
    }
    // The file was removed meanwhile, or its name is not UTF-8 and so not ours.
    const facts = lstatSync(file, { throwIfNoEntry: false });
    if (facts === undefined) continue;
    bytes += facts.size;
    if (bytes <= maxBytes) kept.unshift(file);
    else {
      rmSync(file, { force: true });
      dropped++;
    }
  }
  return { kept, dropped };
}

/** Returns the bytes of the journals of each site, by the site's id, and the number of the other journals. */
export function journalSizes(dir: string): { readonly ofSites: Map<string, number>; readonly others: number } {
  const ofSites = new Map<string, number>();
  let others = 0;
  for (const name of journalNames(dir)) {
    const site = siteOfJournal(name);
    if (site === null) others += 1;
    else ofSites.set(site, (ofSites.get(site) ?? 0) + sizeOf(path.join(dir, name)));
  }
  return { ofSites, others };
}

function sizeOf(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Returns the names of the journals that wait, oldest first. Throws FleetError `state-unusable`. */
export function journalNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .flatMap((entry) => (entry.isFile() && entry.name.endsWith('.jsonl') ? [entry.name] : []))
      .toSorted();
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

/**
 * Reads a journal. Omits a line that a crash cut off. Throws the errors of fs, and FleetError `spool-full` for a file
 * that is larger than any journal.
 */
export function readJournal(file: string): Journal {
  const bytes = sizeOf(file);
  if (bytes > largestBytes) {
    const message = `${bytes} bytes, and a journal has at most ${largestBytes}`;
    throw new FleetError({ code: 'spool-full', stage: 'spool', message });
  }
  const read = readFileSync(file, 'utf8').split('\n').map(parseLine);
  return {
    lines: read.flatMap(({ line }) => line ?? []),
    strange: read.reduce((sum, { strange }) => sum + strange, 0),
  };
}

interface ReadLine {
  readonly line: JournalLine | null;
  readonly strange: number;
}

function parseLine(text: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line: null, strange: 0 };
  }
  const fields = fieldsOf(value);
  const { kind, visits } = fields;
  if (kind === 'visits' && Array.isArray(visits)) {
    const parsed = (visits as readonly unknown[]).flatMap((visit) => parseVisit(visit) ?? []);
    return { line: { kind, visits: parsed }, strange: visits.length - parsed.length };
  }
  const line = parseRunLine(fields);
  return { line, strange: line === null ? 1 : 0 };
}

function parseRunLine({ kind, start, end }: Readonly<Record<string, unknown>>): JournalLine | null {
  const [begun, ended] = [parseRunStart(start), parseRunEnd(end)];
  if (kind === 'start' && begun !== null) return { kind, start: begun };
  // The id stands in the start, too.
  if (kind === 'end' && ended !== null) return { kind, end: { ...ended, id: '' } };
  if (kind !== 'forwarded' || begun === null || ended === null) return null;
  return { kind, start: begun, end: { ...ended, id: begun.id } };
}
