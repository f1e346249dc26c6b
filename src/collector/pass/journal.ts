import { lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { makeFolder } from '../../state/make-folder.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { isRefusal } from '../../storage/sql/fault.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import { appendDurably, syncFolderNow } from '../../state/durable-file.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';

/**
 * journal/<started at>-<run id>.jsonl: what the database was not told yet of a run: its start, visits, its end, one JSON
 * object a line. A file is made at the start of every run and deleted when the database knows the end, so that
 * a run that was killed is known to have been.
 */
export interface JournalFile {
  /** Makes the file. What this and the others return from survives a loss of power; they throw FleetError `spool-full`. */
  begin(): void;
  visits(visits: readonly VisitRecord[]): void;
  end(end: RunEnd): void;
  /** The database knows everything. */
  remove(): void;
}

type Line =
  | { readonly kind: 'start'; readonly start: RunStart }
  | { readonly kind: 'visits'; readonly visits: readonly VisitRecord[] }
  | { readonly kind: 'end'; readonly end: RunEnd };

/** Beyond so much the oldest runs go first: visits while the database was away for weeks are not worth a full disk. */
const defaultMaxBytes = 256 * 1024 * 1024;

export function journalOf(dir: string, start: RunStart): JournalFile {
  const file = path.join(dir, `${String(start.startedAtMs).padStart(15, '0')}-${start.id}.jsonl`);
  let begun = false;
  // What a full disk cut off must not spoil the line that is written once there is room again.
  let cutOff = '';
  const append = (line: Line): void => {
    try {
      makeFolder(dir);
      const text = `${cutOff}${JSON.stringify(line)}\n`;
      cutOff = '\n';
      appendDurably(file, text);
      cutOff = '';
      if (!begun) syncFolderNow(dir);
    } catch (thrown) {
      const message = `${dir}: ${messageOf(thrown)}`;
      throw new FleetError({ code: 'spool-full', stage: 'spool', message, cause: thrown });
    }
  };
  return {
    begin: () => {
      append({ kind: 'start', start });
      begun = true;
    },
    visits: (visits) => append({ kind: 'visits', visits }),
    end: (end) => append({ kind: 'end', end }),
    remove: () => {
      if (begun) rmSync(file, { force: true });
    },
  };
}

export interface Replay {
  readonly runs: number;
  readonly visits: number;
  /** Runs and visits whose records the database will not have, whatever is tried. */
  readonly refused: number;
  /** Runs whose records went because the journal grew beyond its bound. */
  readonly dropped: number;
  /** Runs that are still to be told: there was no time. */
  readonly left: number;
}

export interface ReplayOptions {
  readonly maxBytes?: number;
  /** No run is begun later than that; unless given: all are told. */
  readonly timeMs?: number;
  /** The run under way, whose journal is left alone. */
  readonly own?: string;
}

/**
 * Tells the database what the journals of earlier runs hold, oldest first, and deletes them. Only while holding the lock.
 * Throws what the store throws; what was not told yet stays.
 */
export async function replayJournals(
  dir: string,
  store: ReportStore,
  nowMs: number,
  { maxBytes = defaultMaxBytes, timeMs = Infinity, own = '' }: ReplayOptions = {},
): Promise<Replay> {
  const { kept, dropped } = boundJournals(dir, maxBytes);
  const endsAt = performance.now() + timeMs;
  let runs = 0;
  let visits = 0;
  let refused = 0;
  const files = kept.filter((file) => own === '' || !file.includes(own));
  for (const [index, file] of files.entries()) {
    if (performance.now() >= endsAt) return { runs, visits, refused, dropped, left: files.length - index };
    const lines = readLines(file);
    const start = lines.find((line) => line.kind === 'start')?.start;
    if (start !== undefined) {
      const records = lines.flatMap((line) => (line.kind === 'visits' ? line.visits : []));
      const end = lines.find((line) => line.kind === 'end')?.end ?? killedEnd(start, records, nowMs);
      const run = await halving([start], async () => store.endRun(start, end));
      const told = await halving(records, (some) => store.saveVisits(some));
      if (run.refused === 0) runs++;
      visits += records.length - told.refused;
      refused += run.refused + told.refused;
    }
    rmSync(file, { force: true });
  }
  return { runs, visits, refused, dropped, left: 0 };
}

const batchSize = 200;

/** Tells records in batches; what the database refuses is halved down to the one that it never would take. */
async function halving<T>(
  records: readonly T[],
  tell: (some: readonly T[]) => Promise<void>,
): Promise<{ readonly refused: number }> {
  if (records.length === 0) return { refused: 0 };
  if (records.length <= batchSize) {
    try {
      await tell(records);
      return { refused: 0 };
    } catch (thrown) {
      // Anything else is tried again by the next run.
      if (!isRefusal(thrown)) throw thrown;
      if (records.length === 1) return { refused: 1 };
    }
  }
  const middle = records.length <= batchSize ? Math.ceil(records.length / 2) : batchSize;
  const first = await halving(records.slice(0, middle), tell);
  return { refused: first.refused + (await halving(records.slice(middle), tell)).refused };
}

/** Of a run that wrote no end: it was killed, or the machine went down. */
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

/** Deletes the oldest journals until what stays is within the bound. Returns what stays, oldest first. */
export function boundJournals(
  dir: string,
  maxBytes = defaultMaxBytes,
): { readonly kept: readonly string[]; readonly dropped: number } {
  const kept: string[] = [];
  let bytes = 0;
  let dropped = 0;
  for (const name of journalNames(dir).toReversed()) {
    const file = path.join(dir, name);
    // Gone meanwhile, or of a name that is no UTF-8: not ours.
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

/** A line that was cut off by a crash is passed over; the files are the collector's own, 0600 in 0700. */
function readLines(file: string): readonly Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        return [JSON.parse(text) as Line];
      } catch {
        return [];
      }
    });
}
