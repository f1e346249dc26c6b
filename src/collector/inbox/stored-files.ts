/**
 * The folder stored/: reports and documents whose content the database has confirmed, until a later run has found it
 * there again. Each run has a folder, and events have one for each five minutes. A file is renamed into it, under a
 * name that holds the place from which it came, so that it can be renamed back.
 *
 * No rename is synced by itself. A rename is atomic, so that after a power cut the file is at one of the two places: in
 * its old one it is stored again and recognised by its id. A folder is synced when its run ends.
 */
import { existsSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, utimesSync } from 'node:fs';
import path from 'node:path';

import { number, object, string } from 'valibot';

import { errnoOf, messageOf } from '../../platform/errors/errors.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import { makeFolder, syncFolderNow } from '../../state-folder/durable-file.ts';
import { factsOfHeld, inFolder, inMadeFolder } from '../../state-folder/held-folder.ts';
import { namesIn } from '../../state-folder/folder-entries.ts';
import { readKeptList, writeKeptList } from '../../state-folder/kept-list.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { lowPercent, stateDisks } from '../../state-folder/state-disk.ts';
import { counted } from '../../text/numbers.ts';
import type { RunStart } from '../../storage/store/run.ts';
import { blockBytes, documentName, onDisk, removeStored, sizeOf, unmarked } from './document-files.ts';
import { documentsFolder } from './origins.ts';

/** A folder of stored/. Its name: `<time>-<run>`, then `.<bytes>` once the run has ended, `.seen` after a look. */
export interface StoredFolder {
  readonly dir: string;
  /** The time and the run, without the marks. */
  readonly base: string;
  /** The bytes of its files; null if its run was killed, or still stores. */
  readonly bytes: number | null;
  /** True if a later run has found all of it in the database. */
  readonly isSeen: boolean;
}

/** A file in a folder of stored/. */
export interface StoredFile {
  readonly file: string;
  /** The place from which it came, relative to the state folder. */
  readonly from: string;
  /** True for the document of one visit without a run, which is known by its name. */
  readonly isVisit: boolean;
}

const folderForm = /^(\d{15}-[0-9a-z-]+)(?:\.(\d+))?(\.seen)?$/;

/** Returns the folders, oldest first. Throws FleetError `state-unusable`. */
export function storedFolders({ stored }: Pick<StatePaths, 'stored'>): readonly StoredFolder[] {
  return namesIn(stored).flatMap((name) => {
    const [, base, bytes, seen] = folderForm.exec(name) ?? [];
    if (base === undefined) return [];
    const isSeen = seen !== undefined;
    return [{ dir: path.join(stored, name), base, bytes: bytes === undefined ? null : Number(bytes), isSeen }];
  });
}

/** Replaces the separators of a path in the name of a kept file. No name that this program gives a file has one. */
const separator = '+';
const visitMark = `${separator}visit`;
const longestName = 255;

/** Returns the path of a kept file below its folder. Folders below it are made for long and for foreign names alone. */
function keptName(from: string, isVisit: boolean): string {
  const flat = `${from.replaceAll('/', separator)}${isVisit ? visitMark : ''}`;
  return from.includes(separator) || Buffer.byteLength(flat) > longestName ? from : flat;
}

/** Returns the files of a folder. Throws the errors of fs. */
export function storedFiles({ dir }: Pick<StoredFolder, 'dir'>): readonly StoredFile[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const file = `${dir}/${entry.name}`;
    if (entry.isDirectory()) {
      const below = readdirSync(file, { withFileTypes: true, recursive: true }).filter((one) => one.isFile());
      return below.map((one) => {
        const nested = path.join(one.parentPath, one.name);
        return { file: nested, from: path.relative(dir, nested), isVisit: false };
      });
    }
    return entry.isFile() ? [fileOf(file, entry.name)] : [];
  });
}

function fileOf(file: string, name: string): StoredFile {
  const isVisit = name.endsWith(visitMark);
  const flat = isVisit ? name.slice(0, -visitMark.length) : name;
  return { file, from: flat.replaceAll(separator, '/'), isVisit };
}

/** True if the run of a folder has ended, and the database had its end. */
export function hasEnd({ dir, base }: Pick<StoredFolder, 'dir' | 'base'>): boolean {
  return existsSync(path.join(dir, keptName(endOf(wholeBaseOf({ base })), false)));
}

/** The files of a folder after which its run begins another: a later run looks at whole folders, within a time. */
const filesOfPart = 5000;
const partForm = /-p\d+$/;

/** Returns the time and the run of a folder, which may be one part of what the run has stored. */
export function wholeBaseOf({ base }: Pick<StoredFolder, 'base'>): string {
  return base.replace(partForm, '');
}

/** Returns the place from which the document with the end of a run comes. */
export function endOf(base: string): string {
  return `inbox/${documentsFolder}/${base}.json`;
}

/**
 * Moves a file back to the place from which it came, without the mark of a failed attempt. Returns false for a file
 * that this program has not kept. Throws the errors of fs.
 */
export function moveBack({ dir }: Pick<StatePaths, 'dir'>, { file, from }: StoredFile): boolean {
  const to = placeOf(dir, from);
  if (to === null) return false;
  inMadeFolder(path.dirname(to), (folder) => renameSync(file, folder.at(path.basename(to))));
  return true;
}

/** Returns the place of a file in the state folder; null if it is none of this program. */
export function placeOf(dir: string, from: string): string | null {
  const isOurs = /^(?:encrypted_stats|inbox)\//.test(from) && path.normalize(from) === from;
  return isOurs ? unmarked(path.join(dir, from)) : null;
}

/** The time for which a note of a forgotten client counts: files are kept for seven days at most, see config.xml. */
const forgottenMs = 8 * dayMs;
const forgottenClient = object({ client: string(), atMs: number() });

function forgottenFile({ stored }: Pick<StatePaths, 'stored'>): string {
  return path.join(stored, 'forgotten.json');
}

/** Returns when clients were forgotten, by their names. Throws FleetError `state-unusable`. */
export function forgottenClients(paths: Pick<StatePaths, 'stored'>): ReadonlyMap<string, number> {
  const noted = readKeptList(forgottenFile(paths), 'forgotten', forgottenClient);
  return new Map(noted.map(({ client, atMs }) => [client, atMs]));
}

/**
 * Notes that what is kept of a client now is never stored again. Throws FleetError `state-unusable`, or the errors of
 * fs.
 */
export function noteForgotten(paths: Pick<StatePaths, 'stored'>, client: string, nowMs: number): void {
  if (!existsSync(paths.stored)) return;
  const earlier = [...forgottenClients(paths)].filter(([name, atMs]) => name !== client && nowMs - atMs < forgottenMs);
  const noted = [...earlier, [client, nowMs] as const].map(([name, atMs]) => ({ client: name, atMs }));
  writeKeptList(forgottenFile(paths), 'forgotten', noted);
}

/** Returns the time at which the run of a folder began, or the span of its events. */
export function beganMs({ base }: Pick<StoredFolder, 'base'>): number {
  return Number(base.slice(0, 15));
}

/** Returns the time of the last change of a folder. A time in the future comes from a wrong clock, and becomes now. */
export function storedAtMs({ dir, base }: StoredFolder, nowMs: number): number {
  const { mtimeMs } = lstatSync(dir);
  const began = beganMs({ base });
  if (mtimeMs <= nowMs) return began > nowMs ? mtimeMs : Math.max(mtimeMs, began);
  utimesSync(dir, nowMs / 1000, nowMs / 1000);
  return nowMs;
}

/** Marks a folder: a run has found all of it in the database. Throws the errors of fs. */
export function markSeen(folder: StoredFolder, files: readonly StoredFile[]): void {
  if (folder.isSeen) return;
  const bytes = folder.bytes ?? bytesOf(files);
  renameSync(folder.dir, path.join(path.dirname(folder.dir), `${folder.base}.${bytes}.seen`));
}

/** Takes the mark of a folder away, so that the next run looks at it. Returns the folder. Throws the errors of fs. */
export function markUnseen(folder: StoredFolder): StoredFolder {
  if (!folder.isSeen) return folder;
  const dir = folder.dir.slice(0, -'.seen'.length);
  renameSync(folder.dir, dir);
  return { ...folder, dir, isSeen: false };
}

/** Removes a folder without files. Leaves one with files. */
export function removeEmptied({ dir }: Pick<StoredFolder, 'dir'>): void {
  try {
    rmdirSync(dir);
  } catch {
    // Some of its files stay, or folders for long names, which go with the next bound.
  }
}

/**
 * Removes the folders into which no file was moved for a time, of a collector that has no database to ask any more.
 * Throws the errors of fs.
 */
export function removeUnasked(paths: Pick<StatePaths, 'stored'>, keepMs: number, nowMs: number): void {
  for (const folder of storedFolders(paths)) {
    if (nowMs - storedAtMs(folder, nowMs) >= keepMs) rmSync(folder.dir, { recursive: true, force: true });
  }
}

function bytesOf(files: readonly StoredFile[]): number {
  return files.reduce((sum, { file }) => sum + onDisk(sizeOf(file)), 0);
}

/** Returns the bytes of the files of a folder; 0 if it cannot be read. */
function bytesIn(folder: StoredFolder): number {
  try {
    return bytesOf(storedFiles(folder));
  } catch {
    return 0;
  }
}

/** Returns the name of the folder for what a run stores: that of its document. */
export function storedBase({ startedAtMs, id }: Pick<RunStart, 'startedAtMs' | 'id'>): string {
  return path.basename(documentName(startedAtMs, id), '.json');
}

/** The span of events that share a folder. */
const eventsMs = 5 * minuteMs;

/** Returns the name of the folder for events that are stored now. Several programs use it at the same time. */
export function eventsFolder(nowMs: number): string {
  return `${String(Math.floor(nowMs / eventsMs) * eventsMs).padStart(15, '0')}-events`;
}

/** True if events may still be kept in this folder: it keeps its name. */
export function isFilling(folder: StoredFolder, nowMs: number): boolean {
  return folder.base.endsWith('-events') && Math.abs(nowMs - beganMs(folder)) < 2 * eventsMs;
}

/** Takes a report or document whose content the database has. */
export type Keep = (file: string, facts?: KeptFacts) => void;

export interface KeptFacts {
  readonly bytes?: number;
  /** True for a document of one visit without a run. */
  readonly isVisit?: boolean;
}

export interface StoringFilesOptions {
  readonly paths: Pick<StatePaths, 'dir' | 'stored'>;
  /** The name of the folder, without marks. */
  readonly base: string;
  /**
   * True to keep all of a run in one folder: whether its sealed rows are missing follows from its end there. Default:
   * false.
   */
  readonly isWhole?: boolean;
  /** The bytes that may be kept now. Default: any. */
  readonly room?: () => number;
  /** Called once with a line for people if files cannot be kept, or are removed early. */
  readonly onNote: (message: string) => void;
}

/** The number of kept files after which the free space of the disk is read again. */
const filesAtOnce = 500;

/**
 * Keeps what a process stores, and bounds what is kept: beyond the room, and while less than a tenth of the disk is
 * free, the oldest folder goes. A file that cannot be kept is removed, because the database has its content.
 */
export class StoringFiles {
  readonly #options: StoringFilesOptions;
  #dir: string;
  #earlier: StoredFolder[] = [];
  /** The bytes of the folders that are kept, and of this one. */
  #bytes = 0;
  /** The bytes of all parts, those and the files of the present one, and the number of earlier parts. */
  #ofRun = 0;
  #own = 0;
  #ownFiles = 0;
  #parts = 0;
  #files = 0;
  #isLow = false;
  #dropped = 0;
  /** Why the last folder went early: the disk may have room again by the end. */
  #droppedFor = '';
  #reason: string | null = null;

  constructor(options: StoringFilesOptions) {
    this.#options = options;
    this.#dir = path.join(options.paths.stored, options.base);
  }

  /** Reads what earlier runs have kept, and bounds it. */
  bound(): void {
    try {
      const earlier = storedFolders(this.#options.paths).filter((one) => wholeBaseOf(one) !== this.#options.base);
      // Killed runs and events leave folders without their bytes.
      this.#earlier = earlier.map((one) => ({ ...one, bytes: one.bytes ?? bytesIn(one) }));
      this.#bytes = this.#ofRun + this.#earlier.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
    } catch (thrown) {
      this.#fail(thrown);
    }
    this.#readDisk();
    this.#makeRoom(0);
  }

  /** Keeps a file. Throws the errors of fs if it can be neither kept nor removed. */
  readonly keep: Keep = (file, { bytes = blockBytes, isVisit = false } = {}) => {
    const size = onDisk(bytes);
    if (++this.#files % filesAtOnce === 0) this.#readDisk();
    if (this.#makeRoom(size) && this.#rename(file, isVisit)) {
      this.#bytes += size;
      this.#ofRun += size;
      this.#own += size;
      this.#ownFiles += 1;
      if (this.#ownFiles >= filesOfPart && this.#hasParts) this.#beginPart();
    } else removeStored(file);
  };

  get #hasParts(): boolean {
    const { base, isWhole = false } = this.#options;
    return !isWhole && !base.endsWith('-events');
  }

  #beginPart(): void {
    this.#endPart();
    this.#parts += 1;
    this.#dir = path.join(this.#options.paths.stored, `${this.#options.base}-p${String(this.#parts).padStart(4, '0')}`);
    this.#own = 0;
    this.#ownFiles = 0;
  }

  /** Ends the folder, because its run keeps no more files, and reports once what could not be kept. */
  end(): void {
    this.#endPart();
    this.#report();
  }

  #endPart(): void {
    try {
      if (existsSync(this.#dir)) {
        syncFolderNow(this.#dir);
        renameSync(this.#dir, `${this.#dir}.${this.#own}`);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #report(): void {
    const { paths, onNote } = this.#options;
    if (this.#reason !== null) {
      onNote(`${paths.stored}: what the database confirms is removed at once and not kept: ${this.#reason}`);
    } else if (this.#dropped > 0) {
      const what = `of what the database has confirmed, ${counted(this.#dropped, 'folder')} went early`;
      onNote(`${paths.stored}: ${what}: ${this.#droppedFor}`);
    }
  }

  /** Returns false if the file has to be removed. */
  #rename(file: string, isVisit: boolean): boolean {
    const { paths } = this.#options;
    const to = path.join(this.#dir, keptName(path.relative(paths.dir, file), isVisit));
    for (const isSecond of [false, true]) {
      try {
        inFolder(path.dirname(file), (folder) => folder.move(path.basename(file), to));
        return true;
      } catch (thrown) {
        if (errnoOf(thrown) !== 'ENOENT') return this.#fail(thrown);
        // Another process has stored it, or somebody removed it.
        if (isSecond || factsOfHeld(file) === null) return true;
      }
      try {
        makeFolder(path.dirname(to));
      } catch (thrown) {
        return this.#fail(thrown);
      }
    }
    return true;
  }

  /** Returns false if this process alone has filled the room. */
  #makeRoom(bytes: number): boolean {
    const room = this.#options.room?.() ?? Infinity;
    while (this.#isLow || this.#bytes + bytes > room) {
      const oldest = this.#earlier.shift();
      if (oldest === undefined) {
        if (bytes === 0) return true;
        this.#reason ??= this.#whyFull();
        return false;
      }
      try {
        rmSync(oldest.dir, { recursive: true, force: true });
        this.#dropped += 1;
        this.#droppedFor = this.#whyFull();
        this.#bytes -= oldest.bytes ?? 0;
      } catch (thrown) {
        this.#fail(thrown);
      }
      this.#readDisk();
    }
    return true;
  }

  #whyFull(): string {
    return this.#isLow ? `less than ${lowPercent} % of the disk is free` : '<collector spool> is full';
  }

  #readDisk(): void {
    const [disk] = stateDisks([this.#options.paths.dir]);
    this.#isLow = disk !== undefined && disk.freePercent < lowPercent;
  }

  #fail(thrown: unknown): false {
    this.#reason ??= messageOf(thrown);
    return false;
  }
}
