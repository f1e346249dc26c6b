import { rmSync } from 'node:fs';
import path from 'node:path';

import { makeFolder } from '../../state/make-folder.ts';
import { FleetError, messageOf } from '../../errors.ts';
import { isRefusal } from '../../storage/sql/fault.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import { appendDurably, syncFolderNow, writeSynced } from '../../state/durable-file.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import {
  boundJournals,
  defaultMaxBytes,
  endOfJournal,
  forwardedName,
  journalName,
  journalPath,
  readJournal,
  siteOfJournal,
  visitsOf,
  type JournalLine,
} from './journal-files.ts';

export type JournalFile = ReturnType<typeof journalOf>;

/**
 * Returns journal/<started at>-<run id>.jsonl: the records of a run that the database does not have yet. Its start,
 * visits and end, one JSON object a line. The file is created at the start of every run and deleted once the database
 * has the end, so that a killed run leaves a record.
 */
export function journalOf(dir: string, start: RunStart) {
  const file = journalPath(dir, start.startedAtMs, start.id);
  let begun = false;
  // A line that a full disk cut off must not damage the next line.
  let cutOff = '';
  const append = (line: JournalLine): void => {
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
    /** Creates the file. Like the other records, survives a power loss and throws FleetError `spool-full`. */
    begin: (): void => {
      append({ kind: 'start', start });
      begun = true;
    },
    visits: (visits: readonly VisitRecord[]): void => append({ kind: 'visits', visits }),
    end: (end: RunEnd): void => append({ kind: 'end', end }),
    /** Removes the file: the database has all records. */
    remove: (): void => {
      if (begun) rmSync(file, { force: true });
    },
  };
}

/**
 * Writes journal/<started at>-<run id>.jsonl: a visit without a run, because the client began it. The next run stores
 * it. Throws errors of fs.
 */
export async function keepPushedVisit(dir: string, visit: VisitRecord): Promise<void> {
  makeFolder(dir);
  const line: JournalLine = { kind: 'visits', visits: [visit] };
  await writeSynced(dir, journalName(visit.startedAtMs, visit.runId), `${JSON.stringify(line)}\n`);
}

export interface ForwardedRecords {
  readonly dir: string;
  /** The id of the site. */
  readonly site: string;
  /** The time of the newest record by the clock of the site. It stays the same if the record is sent again. */
  readonly newestMs: number;
  readonly id: string;
  readonly lines: readonly JournalLine[];
}

/**
 * Writes journal/<newest>-<site>.<id>.jsonl: the records that the collector of a site has forwarded. The same records
 * replace the file. Returns its size in bytes. Throws errors of fs.
 */
export async function keepForwarded({ dir, site, newestMs, id, lines }: ForwardedRecords): Promise<number> {
  makeFolder(dir);
  const content = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await writeSynced(dir, forwardedName(newestMs, site, id), content);
  return content.length;
}

export interface Replay {
  readonly runs: number;
  /** The number of visits of these runs, without visits that clients began. */
  readonly visits: number;
  /** The number of runs and visits whose records the database refuses. */
  readonly refused: number;
  /** The number of runs whose records were deleted because the journal grew beyond its bound. */
  readonly dropped: number;
  /** The number of runs for whose records there was no time. */
  readonly left: number;
}

export interface ReplayOptions {
  readonly maxBytes?: number;
  /** The time after which no further run begins. Default: no limit. */
  readonly timeMs?: number;
  /** The id of the present run, whose journal is left alone. */
  readonly own?: string;
}

/**
 * Stores the records of earlier runs in the database, first the newest of each site and then oldest first, and deletes
 * their journals. Only the holder of the lock may call it. Throws the store's error; the remaining journals stay.
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
  const files = newestOfSitesFirst(kept.filter((file) => own === '' || !file.includes(own)));
  const pushed: { readonly file: string; readonly lines: readonly JournalLine[] }[] = [];
  let heldVisits = 0;
  const storePushed = async (): Promise<void> => {
    const some = pushed.splice(0);
    heldVisits = 0;
    const lines = some.flatMap((one) => one.lines);
    for (const line of lines) {
      if (line.kind !== 'forwarded') continue;
      refused += await storeHalving([line], () => store.endForwardedRun(line.start, line.end));
    }
    refused += await storeHalving(lines.flatMap(visitsOf), (visitsOfSome) => store.saveVisits(visitsOfSome));
    for (const { file } of some) rmSync(file, { force: true });
  };
  for (const [index, file] of files.entries()) {
    if (performance.now() >= endsAt) {
      await storePushed();
      return { runs, visits, refused, dropped, left: files.length - index };
    }
    const lines = readJournal(file);
    const start = lines.find((line) => line.kind === 'start')?.start;
    const records = lines.flatMap(visitsOf);
    if (start === undefined) {
      pushed.push({ file, lines });
      heldVisits += records.length;
      if (pushed.length >= batchSize || heldVisits >= mostHeldVisits) await storePushed();
      continue;
    }
    const end = endOfJournal(lines, start, nowMs);
    const refusedRuns = await storeHalving([start], async () => store.endRun(start, end));
    const refusedVisits = await storeHalving(records, (some) => store.saveVisits(some));
    runs += 1 - refusedRuns;
    visits += records.length - refusedVisits;
    refused += refusedRuns + refusedVisits;
    rmSync(file, { force: true });
  }
  await storePushed();
  return { runs, visits, refused, dropped, left: 0 };
}

/** Orders journals with the newest of each site first. A site with many journals does not delay the runs of others. */
function newestOfSitesFirst(files: readonly string[]): readonly string[] {
  const newest = new Map(
    files.flatMap((file) => {
      const site = siteOfJournal(path.basename(file));
      return site === null ? [] : [[site, file] as const];
    }),
  );
  const first = new Set(newest.values());
  return [...first, ...files.filter((file) => !first.has(file))];
}

const batchSize = 200;
/** The most visits in memory; a journal of one stream has some thousands. */
const mostHeldVisits = 2000;

/** Stores records in batches. Halves a batch that the database refuses. Returns the number of refused records. */
async function storeHalving<T>(records: readonly T[], store: (some: readonly T[]) => Promise<void>): Promise<number> {
  if (records.length === 0) return 0;
  if (records.length <= batchSize) {
    try {
      await store(records);
      return 0;
    } catch (thrown) {
      // After any other error the next run tries again.
      if (!isRefusal(thrown)) throw thrown;
      if (records.length === 1) return 1;
    }
  }
  const middle = records.length <= batchSize ? Math.ceil(records.length / 2) : batchSize;
  const refused = await storeHalving(records.slice(0, middle), store);
  return refused + (await storeHalving(records.slice(middle), store));
}
