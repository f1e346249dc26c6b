/**
 * The second look at what the database has confirmed: each run asks for what earlier runs have stored. What is missing
 * goes back to the place from which it came, and this run stores it again. Rows that were pruned, or removed by
 * `forget`, are not missing. At its end a run asks for what is old enough, and removes what is there from stored/.
 */
import { lstatSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { append } from '../../platform/group-by.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { dayMs, secondMs } from '../../platform/units.ts';
import { readHeader } from '../../report/seal/sealed-message.ts';
import { writeDurably } from '../../state-folder/durable-file.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { eventDays } from '../../storage/store/event-store.ts';
import { lossWords, type Restored, restoredRows, spanOf } from '../../storage/store/run.ts';
import type { PresentIds, Storage } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import type { CollectorRun } from '../collect-options.ts';
import { fieldsOf, parseRestored, readStoredVisit } from '../inbox/parse-records.ts';
import {
  beganMs,
  endOf,
  forgottenClients,
  hasEnd,
  isFilling,
  markSeen,
  markUnseen,
  moveBack,
  placeOf,
  removeEmptied,
  wholeBaseOf,
  storedAtMs,
  storedFiles,
  storedFolders,
  type StoredFile,
  type StoredFolder,
} from '../inbox/stored-files.ts';
import { openSealed } from '../ingest/intake.ts';
import { ReportRejected } from '../ingest/rejections.ts';
import { createClientNames } from '../sealed-reports/client-names.ts';
import { parseSealedName } from '../sealed-reports/sealed-names.ts';
import { readSealed } from '../sealed-reports/sealed-spool.ts';
import {
  clientOfReport,
  countRows,
  idsOf,
  missingRows,
  readKept,
  type Kept,
  type KeptRows,
  type ReadKeptOptions,
} from './kept-rows.ts';

export interface SecondLookOptions {
  readonly run: Pick<CollectorRun, 'paths' | 'config' | 'start' | 'observe' | 'keyRing'>;
  readonly storage: Pick<Storage, 'reports' | 'stored' | 'elsewhere'>;
  readonly nowMs: number;
  /** The time after which no further folder is looked at. The next run continues. */
  readonly timeMs: number;
}

/**
 * Looks for what earlier runs have stored. Returns what is to be stored again, that of a killed look included; null if
 * the folder cannot be read, which costs a line. Only the holder of the collector's lock may call it. Throws the errors
 * of the storage; nothing is removed then.
 */
export async function lookAgain(options: SecondLookOptions): Promise<Restored | null> {
  const hasLooked = await withLook(options, (look) => look.atNewest());
  return hasLooked ? (readRestored(options.run.paths) ?? nothingRestored) : null;
}

/**
 * Removes what has been kept for long enough, if the database still has it. A run does so at its end. At its beginning
 * the files that a run has stored `keepStored` before are not that old yet, and would be kept for another run. What is
 * missing goes back, and the next run stores it again. Throws the errors of the storage.
 */
export async function removeOld(options: SecondLookOptions): Promise<void> {
  await withLook(options, (look) => look.atOld());
}

/** Returns false, and reports this, if the folder cannot be read. */
async function withLook(options: SecondLookOptions, work: (look: SecondLook) => Promise<void>): Promise<boolean> {
  const { paths, observe } = options.run;
  const look = new SecondLook(options);
  try {
    await work(look);
    return true;
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.stage === 'storage') throw thrown;
    observe({ kind: 'note', message: `${paths.stored} cannot be looked at: ${messageOf(thrown)}` });
    return false;
  } finally {
    look.report();
  }
}

/** The result of a look that has found everything. */
const nothingRestored: Restored = { reports: 0, records: 0, fromMs: null, toMs: null, note: null };

/** Ends the memory of what was restored: the end of the run holds it. */
export function forgetRestored(paths: Pick<StatePaths, 'stored'>): void {
  rmSync(restoredFile(paths), { force: true });
}

/** The finished runs after which a file may be removed. */
const finishedRuns = 2;
/** The most time for another server: the run waits meanwhile. */
const elsewhereMs = 5 * secondMs;
/** The number of files that are removed in one turn of the event loop. */
const filesAtOnce = 500;

interface Looked {
  readonly folder: StoredFolder;
  /** The files that were not moved back, and the rows that the database has. */
  readonly kept: readonly Kept[];
  readonly present: PresentIds;
}

/** The rows that a person or the retention has removed. */
interface Removals {
  /** True if a row of a client was removed by `forget`, or if its client left config.xml and the database. */
  readonly isForgotten: (client: string, atMs: number) => boolean;
  readonly rawBeforeMs: number;
  readonly visitsBeforeMs: number;
  readonly eventsBeforeMs: number;
}

class SecondLook {
  readonly #options: SecondLookOptions;
  readonly #endsAt: number;
  readonly #reading: ReadKeptOptions;
  #removals: Removals | null = null;
  #restored = nothingRestored;
  /** The folders whose mark a loss has taken away, by time and run. */
  readonly #unseen = new Map<string, StoredFolder>();
  #isNoted = false;

  constructor(options: SecondLookOptions) {
    this.#options = options;
    this.#endsAt = performance.now() + options.timeMs;
    const { config } = options.run;
    this.#reading = { config, names: createClientNames(config.clients), nowMs: options.nowMs };
  }

  async atNewest(): Promise<void> {
    const folders = this.#folders();
    // Databases forget the newest rows first. If the last run has stored nothing, they are those of an earlier one.
    const newest = folders.findLast(({ base }) => !base.endsWith('-events'));
    const asked = new Set(folders.filter((folder) => folder === newest || !folder.isSeen));
    for (const folder of asked) await this.#look(folder);
    if (this.#isLoss()) await this.#lookAtOthers(folders, asked);
  }

  async atOld(): Promise<void> {
    const folders = this.#folders();
    const looked: Looked[] = [];
    const due = new Set(this.#dueOf(folders));
    for (const folder of due) append(looked, await this.#look(folder, (now) => this.#oldFilesOf(now)));
    if (this.#isLoss()) await this.#lookAtOthers(folders, due);
    else await this.#remove(looked);
  }

  #folders(): readonly StoredFolder[] {
    const { paths, start } = this.#options.run;
    return storedFolders(paths).filter((folder) => !wholeBaseOf(folder).endsWith(start.id));
  }

  /** Restores whatever else the database has forgotten, after a loss. */
  async #lookAtOthers(folders: readonly StoredFolder[], asked: ReadonlySet<StoredFolder>): Promise<void> {
    for (const folder of folders) if (!asked.has(folder)) await this.#look(folder);
  }

  /** Tells people about a loss. */
  report(): void {
    if (!this.#isLoss()) return;
    const loss = { ...this.#restored, restored: restoredRows(this.#restored) };
    const message = lossWords(loss, (atMs) => new Date(atMs).toISOString());
    this.#options.run.observe({ kind: 'note', message });
  }

  #isLoss(): boolean {
    return restoredRows(this.#restored) > 0;
  }

  /** Returns the folders with files that are older than `keepStored` and than two finished runs. */
  #dueOf(folders: readonly StoredFolder[]): readonly StoredFolder[] {
    const { nowMs } = this.#options;
    const finished = new Set<string>();
    return folders.toReversed().filter((folder) => {
      if (hasEnd(folder)) finished.add(wholeBaseOf(folder));
      const isAfterRuns = finished.size - (finished.has(wholeBaseOf(folder)) ? 1 : 0) >= finishedRuns;
      const isOld = this.#isOld(beganMs(folder)) || this.#isOld(storedAtMs(folder, nowMs));
      return folder.isSeen && isAfterRuns && isOld && !isFilling(folder, nowMs);
    });
  }

  #isOld(storedMs: number): boolean {
    const { nowMs, run } = this.#options;
    return nowMs - storedMs >= run.config.collector.keepStoredMs;
  }

  /** Returns the files of a folder that were moved into it for long enough. A rename sets the time of change. */
  #oldFilesOf(folder: StoredFolder): readonly StoredFile[] | null {
    const files = this.#filesOf(folder);
    if (this.#isOld(storedAtMs(folder, this.#options.nowMs))) return files;
    return files?.filter(({ file }) => this.#isOld(lstatSync(file, { throwIfNoEntry: false })?.ctimeMs ?? 0)) ?? null;
  }

  /** Looks for the rows of a folder. Moves files back whose rows are missing. Returns the others. */
  async #look(
    given: StoredFolder,
    filesOf = (folder: StoredFolder): readonly StoredFile[] | null => this.#filesOf(folder),
  ): Promise<readonly Looked[]> {
    const folder = this.#unseen.get(given.base) ?? given;
    const files = performance.now() >= this.#endsAt ? null : filesOf(folder);
    if (files === null) return [];
    const { storage, nowMs } = this.#options;
    const asked = files.map((file) => readKept(file, this.#reading));
    const present = await storage.stored.present(idsOf(asked));
    const missing = asked.filter((one) => missingOf(one, present) > 0);
    const lost = missing.length === 0 ? new Set<Kept>() : await this.#restore(folder, missing, present);
    // The next run looks again after a fault of the folder, and for files whose moves a power cut has undone.
    const isSeen = lost.size === 0 && !this.#isNoted;
    if (isSeen && !isFilling(folder, nowMs)) markSeen(folder, files);
    return [{ folder, kept: asked.filter((one) => !lost.has(one)), present }];
  }

  /** Returns null, and reports this once, for a folder that cannot be read: it stays. */
  #filesOf(folder: StoredFolder): readonly StoredFile[] | null {
    try {
      return storedFiles(folder);
    } catch (thrown) {
      // A folder of events that its program has ended or removed meanwhile.
      if (errnoOf(thrown) !== 'ENOENT') this.#note(thrown);
      return null;
    }
  }

  #note(thrown: unknown): void {
    const { paths, observe } = this.#options.run;
    if (!this.#isNoted) observe({ kind: 'note', message: `${paths.stored} cannot be looked at: ${messageOf(thrown)}` });
    this.#isNoted = true;
  }

  /** Moves files back, unless their rows were removed on purpose. Returns the lost files. */
  async #restore(folder: StoredFolder, missing: readonly Kept[], present: PresentIds): Promise<ReadonlySet<Kept>> {
    this.#removals ??= await this.#readRemovals();
    const lost: { readonly kept: Kept; readonly rows: KeptRows }[] = [];
    for (const one of missing) {
      const kept = one.isVisit ? readKept(one, { ...this.#reading, isWhole: true }) : one;
      const rows = this.#lostOf(folder, kept, present, this.#removals);
      if (countRows(rows) > 0) lost.push({ kept: one, rows });
      if (lost.length % filesAtOnce === 0) await nextTurn();
    }
    if (lost.length === 0) return new Set();
    this.#unsee(folder);
    await this.#remember(lost);
    for (const { kept } of lost) {
      try {
        this.#moveBack(kept, this.#removals);
      } catch (thrown) {
        this.#note(thrown);
      }
    }
    return new Set(lost.map(({ kept }) => kept));
  }

  /** Lets the next run look at whatever this one has no time for, or does not reach because it is killed. */
  #unsee(present: StoredFolder): void {
    if (this.#isLoss()) return;
    for (const folder of this.#folders()) {
      try {
        if (folder.base !== present.base) this.#unseen.set(folder.base, markUnseen(folder));
      } catch (thrown) {
        this.#note(thrown);
      }
    }
  }

  async #readRemovals(): Promise<Removals> {
    const { run, storage } = this.#options;
    const { clients, retention } = run.config;
    const nowMs = await storage.stored.pruneNowMs(this.#options.nowMs);
    const known = await storage.reports.clientFacts();
    const named = clients.flatMap(({ name, was }) => (was === null ? [name] : [name, was]));
    const clientNames = new Set([...known.keys(), ...named]);
    const forgotten = forgottenClients(run.paths);
    return {
      isForgotten: (client, atMs) => !clientNames.has(client) || atMs <= (forgotten.get(client) ?? -1),
      rawBeforeMs: nowMs - retention.rawMs,
      visitsBeforeMs: nowMs - retention.visitsMs,
      eventsBeforeMs: nowMs - eventDays * dayMs,
    };
  }

  /** Returns the missing rows that nobody has removed on purpose. */
  #lostOf(folder: StoredFolder, kept: Kept, present: PresentIds, removals: Removals): KeptRows {
    const { report, run, visits, events } = missingRows(kept, present);
    const { isForgotten, rawBeforeMs, visitsBeforeMs, eventsBeforeMs } = removals;
    return {
      report: report === null || this.#isRemoved(folder, kept, present, removals) ? null : report,
      run: run === null || run.atMs < rawBeforeMs ? null : run,
      visits: visits.filter(({ name, client, atMs }) => {
        return atMs >= visitsBeforeMs && !(isForgotten(name, atMs) && isForgotten(client ?? name, atMs));
      }),
      events: events.filter(({ atMs }) => atMs >= eventsBeforeMs),
    };
  }

  /** True if a report was pruned, belongs to a forgotten client, or was refused when another machine opened it. */
  #isRemoved(folder: StoredFolder, kept: Kept, present: PresentIds, removals: Removals): boolean {
    const { keyRing } = this.#options.run;
    try {
      if (removals.isForgotten(clientOfReport(kept), kept.atMs)) return true;
      // Another machine opens the reports, and takes their sealed rows. The database has forgotten them if it has also
      // forgotten the end of their run, which was stored after them.
      if (keyRing.opening === null) return hasEnd(folder) && present.runs.get(runOf(folder)) === true;
      const message = readHeader(readSealed(kept.file));
      const { receivedAtMs = 0, clock = null } = parseSealedName(path.basename(kept.from)) ?? {};
      const owner = { ...this.#reading.names.ownerOf(message.client), names: [message.client] };
      openSealed({ message, owner, receivedAtMs, clock }, keyRing.opening, removals.rawBeforeMs);
      return false;
    } catch (thrown) {
      return thrown instanceof ReportRejected && thrown.code === 'report-too-old';
    }
  }

  /** Counts what is restored in a file, so that a run that is killed now does not hide it. */
  async #remember(lost: readonly { readonly kept: Kept; readonly rows: KeptRows }[]): Promise<void> {
    const { run, storage } = this.#options;
    const times = lost.map(({ kept }) => kept.atMs).filter((atMs) => atMs > 0);
    const reports = lost.filter(({ rows }) => rows.report !== null).length;
    const found: Restored = {
      reports,
      records: lost.reduce((sum, { rows }) => sum + countRows(rows), 0) - reports,
      ...spanOf(times),
      note: await storage.stored.server(),
    };
    this.#restored = together(this.#restored, found);
    const content = JSON.stringify(together(readRestored(run.paths) ?? nothingRestored, found));
    try {
      writeDurably({ file: restoredFile(run.paths), content, mode: 0o600 });
    } catch {
      // On a full disk what is lost matters more than its number.
    }
  }

  #moveBack(kept: Kept, { isForgotten }: Removals): void {
    const { paths } = this.#options.run;
    const to = placeOf(paths.dir, kept.from);
    const isWhole = !kept.rows.visits.some(({ client, name, atMs }) => client !== null && isForgotten(name, atMs));
    if (isWhole || to === null) moveBack(paths, kept);
    else {
      const { visits, ...others } = fieldsOf(JSON.parse(readFileSync(kept.file, 'utf8')));
      const known = (visits as readonly unknown[]).filter((one) => {
        const visit = readStoredVisit(one);
        return visit !== null && !isForgotten(visit.client, visit.startedAtMs);
      });
      writeDurably({ file: to, content: JSON.stringify({ ...others, visits: known }), mode: 0o600 });
      rmSync(kept.file, { force: true });
    }
  }

  /** Removes files whose rows are on another server too, if there is one. A file whose row is not there yet stays. */
  async #remove(looked: readonly Looked[]): Promise<void> {
    const all = looked.flatMap(({ kept }) => kept);
    if (all.length === 0) return;
    const other = await this.#options.storage
      .elsewhere(AbortSignal.timeout(elsewhereMs))
      .catch(() => 'silent' as const);
    if (other === 'silent') {
      this.#noteLeft(all.length, 'no other server of <storage url> answers, so that it may lack their rows');
      return;
    }
    try {
      const there = await other?.stored.present(idsOf(all)).catch(() => noneThere);
      let left = 0;
      for (const { folder, kept, present: here } of looked) {
        for (const [index, one] of kept.entries()) {
          if (index % filesAtOnce === filesAtOnce - 1) await nextTurn();
          const stays = there !== undefined && missingOf(one, there) > missingOf(one, here);
          if (stays) left += 1;
          else removeFile(one.file);
        }
        removeEmptied(folder);
      }
      if (left > 0) this.#noteLeft(left, 'another server does not show their rows yet');
    } finally {
      await other?.close();
    }
  }

  #noteLeft(files: number, why: string): void {
    const { paths, observe } = this.#options.run;
    const message = `${paths.stored}: ${counted(files, 'old file')} kept: ${why}`;
    observe({ kind: 'note', message });
  }
}

function missingOf(kept: Kept, present: PresentIds): number {
  return countRows(missingRows(kept, present));
}

/** The answer of a server that answers no more. */
const noneThere: PresentIds = { reports: new Set(), runs: new Map(), visits: new Map(), events: new Set() };

/** Removes a file. Costs half as much as `rmSync`. */
function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
}

function runOf({ base }: StoredFolder): string {
  return path.basename(endOf(wholeBaseOf({ base })), '.json').slice(16);
}

function restoredFile({ stored }: Pick<StatePaths, 'stored'>): string {
  return path.join(stored, 'restored.json');
}

function readRestored(paths: Pick<StatePaths, 'stored'>): Restored | null {
  try {
    return parseRestored(JSON.parse(readFileSync(restoredFile(paths), 'utf8')));
  } catch {
    return null;
  }
}

function together(one: Restored, other: Restored): Restored {
  return {
    reports: one.reports + other.reports,
    records: one.records + other.records,
    ...spanOf([one.fromMs, one.toMs, other.fromMs, other.toMs].flatMap((atMs) => atMs ?? [])),
    note: other.note ?? one.note,
  };
}
