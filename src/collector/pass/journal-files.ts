import { lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';

export type JournalLine =
  | { readonly kind: 'start'; readonly start: RunStart }
  | { readonly kind: 'visits'; readonly visits: readonly VisitRecord[] }
  | { readonly kind: 'end'; readonly end: RunEnd }
  /** A run that another collector forwarded. */
  | { readonly kind: 'forwarded'; readonly start: RunStart; readonly end: RunEnd };

/** The size of the journal beyond which the oldest runs are deleted: weeks of visits are not worth a full disk. */
export const defaultMaxBytes = 256 * 1024 * 1024;

/** Returns the name of a journal. Names sort by time. */
export function journalName(startedAtMs: number, id: string): string {
  return `${String(startedAtMs).padStart(15, '0')}-${id}.jsonl`;
}

/** Returns the name of a journal that the collector of a site has forwarded. */
export function forwardedName(newestMs: number, site: string, id: string): string {
  // A site may send a time with a fraction, which file names do not have.
  return journalName(Math.floor(newestMs), `${site}.${id}`);
}

/** Returns the id of the site that has forwarded a journal; null for a journal of this collector. */
export function siteOfJournal(name: string): string | null {
  return /^\d{15}-([0-9a-f-]{36})\.[0-9a-f-]{36}\.jsonl$/.exec(name)?.[1] ?? null;
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
  return lines.find((line) => line.kind === 'end')?.end ?? killedEnd(start, lines.flatMap(visitsOf), nowMs);
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
      rmSync(file);
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

function journalNames(dir: string): readonly string[] {
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
 * Reads the lines of a journal. Omits a line that a crash cut off. Only the collector writes these files (0600 in
 * 0700).
 */
export function readJournal(file: string): readonly JournalLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        return [JSON.parse(text) as JournalLine];
      } catch {
        return [];
      }
    });
}
