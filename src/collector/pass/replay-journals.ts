import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, messageOf } from '../../errors.ts';
import { makeFolder } from '../../state/make-folder.ts';
import { storeEach, type Unstorable } from '../../storage/sql/store-each.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import {
  boundJournals,
  defaultMaxBytes,
  endOfJournal,
  hasFailed,
  marked,
  readJournal,
  siteOfJournal,
  unmarked,
  visitsOf,
  type Journal,
} from './journal-files.ts';

export interface Replay {
  readonly runs: number;
  /** The number of visits of these runs, without visits that clients began. */
  readonly visits: number;
  /** The number of records that cannot be stored: the database refuses them, or they are none. */
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
  /** False to leave journals to the next run of which an earlier attempt could not store a record. Default: true. */
  readonly tryAgain?: boolean;
  /** Called with a line for people about a journal that failed in two runs and was set aside. */
  readonly onSetAside?: (message: string) => void;
}

/**
 * Stores the records of earlier runs in the database, first the newest of each site and then oldest first, and deletes
 * their journals. A record that cannot be stored costs no other record: its journal is tried in one more run, and then
 * set aside. Only the holder of the lock may call it. Throws faults of the database; the remaining journals stay.
 */
export async function replayJournals(
  dir: string,
  store: ReportStore,
  nowMs: number,
  options: ReplayOptions = {},
): Promise<Replay> {
  const {
    maxBytes = defaultMaxBytes,
    timeMs = Infinity,
    own = '',
    tryAgain = true,
    onSetAside = () => undefined,
  } = options;
  const { kept, dropped } = boundJournals(dir, maxBytes);
  const endsAt = performance.now() + timeMs;
  const isDue = (file: string): boolean => (own === '' || !file.includes(own)) && (tryAgain || !hasFailed(file));
  const files = newestOfSitesFirst(kept.filter(isDue));
  const replaying = new JournalReplay({ store, nowMs, onSetAside });
  const left = await replaying.replay(files, endsAt);
  return { ...replaying.counts, dropped, left };
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

/** The most journals without a run of this collector that are stored together, and the most of their visits. */
const mostTogether = 200;
const mostHeldVisits = 2000;

interface ReplayTarget {
  readonly store: ReportStore;
  readonly nowMs: number;
  readonly onSetAside: (message: string) => void;
}

interface OpenJournal extends Journal {
  readonly file: string;
}

class JournalReplay {
  readonly #target: ReplayTarget;
  /** Journals without a run of this collector: pushed visits, and records of sites. */
  readonly #pushed: OpenJournal[] = [];
  #heldVisits = 0;
  readonly counts = { runs: 0, visits: 0, refused: 0 };

  constructor(target: ReplayTarget) {
    this.#target = target;
  }

  /** Replays journals until a time. Returns the number of journals that are left. */
  async replay(files: readonly string[], endsAt: number): Promise<number> {
    for (const [index, file] of files.entries()) {
      if (performance.now() >= endsAt) {
        await this.#storePushed();
        return files.length - index;
      }
      const journal = this.#open(file);
      if (journal !== null) await this.#store(journal);
    }
    await this.#storePushed();
    return 0;
  }

  #open(file: string): OpenJournal | null {
    try {
      return { file, ...readJournal(file) };
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') this.#settle(file, [messageOf(thrown)]);
      return null;
    }
  }

  async #store(journal: OpenJournal): Promise<void> {
    const { store, nowMs } = this.#target;
    const { file, lines, strange } = journal;
    const start = lines.find((line) => line.kind === 'start')?.start;
    const records = lines.flatMap(visitsOf);
    if (start === undefined) {
      this.#pushed.push(journal);
      this.#heldVisits += records.length;
      if (this.#pushed.length >= mostTogether || this.#heldVisits >= mostHeldVisits) await this.#storePushed();
      return;
    }
    const end = endOfJournal(lines, start, nowMs);
    const runs = await storeEach([start], () => store.endRun(start, end));
    const visits = await storeEach(records, (some) => store.saveVisits(some));
    this.counts.runs += 1 - runs.length;
    this.counts.visits += records.length - visits.length;
    this.#settle(file, [...reasonsOf(runs), ...reasonsOf(visits), ...strangeReasons(strange)]);
  }

  async #storePushed(): Promise<void> {
    const { store } = this.#target;
    const journals = this.#pushed.splice(0);
    this.#heldVisits = 0;
    const runs = journals.flatMap(({ lines }) => lines.flatMap((line) => (line.kind === 'forwarded' ? line : [])));
    const visits = journals.flatMap(({ lines }) => lines.flatMap(visitsOf));
    const storeRuns = async (some: readonly (typeof runs)[number][]): Promise<void> => {
      for (const { start, end } of some) await store.endForwardedRun(start, end);
    };
    const unstorable: readonly Unstorable<unknown>[] = [
      ...(await storeEach(runs, storeRuns, 1)),
      ...(await storeEach(visits, (some) => store.saveVisits(some))),
    ];
    const reasons = new Map(unstorable.map(({ record, reason }) => [record, reason]));
    for (const { file, lines, strange } of journals) {
      const records: readonly unknown[] = [...lines, ...lines.flatMap(visitsOf)];
      this.#settle(file, [...records.flatMap((one) => reasons.get(one) ?? []), ...strangeReasons(strange)]);
    }
  }

  /** Removes a journal whose records are stored. Keeps another for the next run, or sets it aside after that. */
  #settle(file: string, reasons: readonly string[]): void {
    this.counts.refused += reasons.length;
    try {
      if (reasons.length === 0) rmSync(file, { force: true });
      else if (!hasFailed(file)) renameSync(file, marked(file));
      else this.#target.onSetAside(setAside(file, reasons));
    } catch (thrown) {
      // A folder that nothing can be removed from. The same records are recognised in the next run.
      this.#target.onSetAside(`${file} stays: ${messageOf(thrown)}. Make its folder writable, or move it away.`);
    }
  }
}

function reasonsOf(unstorable: readonly Unstorable<unknown>[]): readonly string[] {
  return unstorable.map(({ reason }) => reason);
}

function strangeReasons(strange: number): readonly string[] {
  return Array<string>(strange).fill('a record of another form than this version writes');
}

/** The most files that were set aside, and their bytes. Beyond them the oldest go. */
const mostSetAside = 100;
const mostBytesSetAside = 64 * 1024 * 1024;

/** Moves a journal to `set-aside/` beside it. Returns the line for people. Throws the errors of fs. */
function setAside(file: string, reasons: readonly string[]): string {
  const folder = path.join(path.dirname(file), 'set-aside');
  makeFolder(folder);
  const target = path.join(folder, path.basename(unmarked(file)));
  renameSync(file, target);
  boundSetAside(folder);
  const [reason = ''] = reasons;
  const what = `two runs could not store ${counted(reasons.length, 'record')} of it (${reason})`;
  return `${target}: ${what}. All others are stored. To try again, move it one folder up; otherwise delete it.`;
}

function boundSetAside(folder: string): void {
  let bytes = 0;
  for (const [index, name] of readdirSync(folder).toSorted().toReversed().entries()) {
    const file = path.join(folder, name);
    bytes += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (index > 0 && (index >= mostSetAside || bytes > mostBytesSetAside)) rmSync(file, { force: true });
  }
}
