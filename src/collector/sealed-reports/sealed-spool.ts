import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { escapeControls } from '../../platform/errors/log.ts';
import { remembered } from '../../platform/remembered.ts';
import { isOldPart, partSuffix, sharedSync } from '../../state-folder/durable-file.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { boundedTime } from '../../report/check-value.ts';
import { counted, namedUpTo } from '../../text/numbers.ts';
import { shortened } from '../../text/shortened.ts';
import { SealFault } from '../../report/seal/seal-fault.ts';
import { maxSealedBytes } from '../../report/seal/sealed-message.ts';
import { clientOfFolder, folderOfClient } from '../../state-folder/client-folder.ts';
import { entriesOf } from '../../state-folder/folder-entries.ts';
import {
  HeldFolder,
  inFolder,
  isOfFolder,
  isWritable,
  makeHeldFolder,
  NoPlainFile,
  readHeld,
  renameUnreadable,
} from '../../state-folder/held-folder.ts';
import { removeStored } from '../inbox/document-files.ts';
import type { Keep } from '../inbox/stored-files.ts';
import { documentsFolder, inTurns, siteEntries } from '../inbox/origins.ts';
import type { ReceivedReport } from '../agent/agent-stream.ts';
import { clockFactsOf, type ClockFacts } from './clock-facts.ts';

/**
 * The folder encrypted_stats/: sealed reports between their arrival and their row in the database.
 * The file's name holds all facts for storing besides the sealed bytes, so that one rename makes them durable:
 * `<client>/<report id>.<received at>.<clock offset>.<monotonic zero>.<boot id or ->.fhs`, times in milliseconds. A
 * file named only `<report id>.fhs` is accepted too; its time of change counts as its arrival. The folder of a site in
 * inbox/ has the same form: the site's collector forwards its files.
 */
export interface SealedSpool {
  /**
   * Stores a report. Resolves once it survives a power loss. Throws FleetError `spool-full` or `state-unusable`, and
   * `inbox-strange` if the folder of this client alone cannot be used.
   */
  add(report: ArrivedReport): Promise<SpooledReport>;
  /** Finds the reports of earlier runs. The holder of the lock also removes old, partly written files. */
  scan(holdsLock?: boolean): Promise<SpoolScan>;
  /** Hands over a report that has become a row, or removes one that another collector has. */
  remove(report: SpooledReport, bytes?: number): void;
}

export interface SpoolScan {
  /** The reports, oldest first. */
  readonly reports: readonly SpooledReport[];
  /** The absolute paths of the existing quarantine folders. */
  readonly quarantines: readonly string[];
  /** The origins with folders that cannot be read, or with entries that are no files of them. */
  readonly passedOver: readonly PassedOver[];
}

export interface PassedOver {
  /** The folder of the site in the inbox; null for encrypted_stats/. */
  readonly origin: string | null;
  /** The line for people. */
  readonly line: string;
}

export interface ArrivedReport extends NamedFacts {
  /** The folder of the site in the inbox that forwards the report. Default: null. */
  readonly origin?: string | null;
  /** The visited client. */
  readonly client: string;
  readonly reportId: string;
  readonly sealed: Uint8Array;
}

export interface SpooledReport extends NamedFacts {
  /** The client of the folder; null if the folder's name is a hash. Then the header names the client. */
  readonly client: string | null;
  /** The absolute path. */
  readonly file: string;
  /** The folder of the site in the inbox that the report came from; null: the client brought it, or a visit did. */
  readonly origin: string | null;
}

/** The facts of a report that the name of its file holds. */
interface NamedFacts {
  readonly receivedAtMs: number;
  readonly clock: ClockFacts | null;
}

/** Returns a report as a visit has received it, with the client's clocks by its hello frame. */
export function arrivedReport(client: string, received: ReceivedReport): ArrivedReport {
  const { sealed, header, receivedAtMs, hello } = received;
  return { client, reportId: header.reportId, sealed, receivedAtMs, clock: clockFactsOf(hello) };
}

/** Opens the folder of sealed reports, and with `inbox` those of the sites there. `keep` takes what is removed. */
export function openSealedSpool(dir: string, inbox: string | null = null, keep: Keep = removeStored): SealedSpool {
  const madeFolders = new Map<string, Promise<void>>();
  const syncOf = remembered((parent: string) => sharedSync(parent));
  const makeClientFolder = async (folder: string): Promise<void> => {
    makeHeldFolder(path.dirname(folder));
    // A first run makes a folder for each client: these share syncs.
    makeHeldFolder(folder, () => undefined);
    await syncOf(path.dirname(folder))();
    if (path.dirname(folder) !== dir && inbox !== null) await syncOf(inbox)();
  };
  const folderReady = (folder: string): Promise<void> => {
    const ready = madeFolders.get(folder) ?? makeClientFolder(folder);
    madeFolders.set(folder, ready);
    // The next report tries again.
    ready.catch(() => madeFolders.delete(folder));
    return ready;
  };

  return {
    add: async (report) => {
      const { client, receivedAtMs, clock, origin = null } = report;
      const folder = path.join(rootOf({ dir, inbox }, origin), folderOfClient(client));
      const name = fileName(report);
      let held: HeldFolder | null = null;
      try {
        await folderReady(folder);
        held = new HeldFolder(folder);
        await held.writeSynced(name, report.sealed);
      } catch (thrown) {
        throw spoolError(thrown, client, rootOf({ dir, inbox }, origin));
      } finally {
        held?.close();
      }
      return { client, file: path.join(folder, name), receivedAtMs, clock, origin };
    },
    scan: (holdsLock = true) => scanAll({ dir, inbox }, holdsLock),
    remove: ({ file }, bytes) => keep(file, bytes === undefined ? {} : { bytes }),
  };
}

/**
 * Reads a sealed report, without the thread pool, which would cost more than the read. Throws SealFault `seal-corrupt`
 * or `report-too-large`, or errors of fs.
 */
export function readSealed(file: string): Buffer {
  try {
    return readHeld(file, maxSealedBytes);
  } catch (thrown) {
    if (!(thrown instanceof NoPlainFile)) throw thrown;
    const { sizeBytes, message } = thrown;
    if (sizeBytes === null) throw new SealFault('seal-corrupt', message, thrown);
    throw new SealFault('report-too-large', `a sealed report of ${sizeBytes} bytes`, thrown);
  }
}

const fullCodes: readonly (string | null)[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG'];

/** Returns the error of a report that cannot be written. `inbox-strange` concerns this client's folder alone. */
function spoolError(thrown: unknown, client: string, root: string): FleetError {
  const code = isOfFolder(thrown) && isWritable(root) ? 'inbox-strange' : 'state-unusable';
  return new FleetError({
    code: fullCodes.includes(errnoOf(thrown)) ? 'spool-full' : code,
    stage: 'spool',
    // A full disk does not depend on one file.
    message: `${root}: ${messageOf(thrown)}`,
    client,
    cause: thrown,
  });
}

interface Roots {
  readonly dir: string;
  readonly inbox: string | null;
}

/** Returns the folder of an origin, which holds a folder for each client. */
export function rootOf({ dir, inbox }: Roots, origin: string | null): string {
  return origin === null || inbox === null ? dir : path.join(inbox, origin);
}

function fileName({ reportId, receivedAtMs, clock }: NamedFacts & Pick<ArrivedReport, 'reportId'>): string {
  const boot = /^[0-9A-Za-z-]{2,64}$/.exec(clock?.bootId ?? '')?.[0] ?? '-';
  const facts = clock === null ? ['-', '-', '-'] : [whole(clock.offsetMs), whole(clock.monotonicZeroMs), boot];
  return [reportId, whole(receivedAtMs), ...facts, 'fhs'].join('.');
}

/** Formats a number as digits without an exponent, whatever a client's clock shows. */
function whole(ms: number): string {
  return String(Math.round(Math.min(9e15, Math.max(-9e15, ms))));
}

/** Parses the name of a sealed file that another machine has given it. Returns null for another form. */
export function parseSealedName(name: string): (NamedFacts & { readonly reportId: string }) | null {
  const facts = factsOfName(name);
  return facts === null ? null : { ...facts, reportId: name.slice(0, 36) };
}

/** Returns the name of a sealed file with all facts, also of a file that is named by its report id alone. */
export function sealedName({ file, receivedAtMs, clock }: SpooledReport): string {
  return fileName({ reportId: path.basename(file).slice(0, 36), receivedAtMs, clock });
}

const namePattern = /^[0-9a-f-]{36}\.(\d{1,16})\.(-|-?\d{1,16})\.(-|-?\d{1,16})\.([0-9A-Za-z-]{1,64})\.fhs$/;

function factsOfName(name: string): NamedFacts | null {
  const [, received, offset = '-', zero = '-', boot = '-'] = namePattern.exec(name) ?? [];
  if (received === undefined) return null;
  const clock =
    offset === '-' || zero === '-'
      ? null
      : { offsetMs: Number(offset), monotonicZeroMs: Number(zero), bootId: boot === '-' ? null : boot };
  return { receivedAtMs: boundedTime(Number(received)), clock };
}

/** The number of folders that are read in one turn of the event loop. */
const foldersAtOnce = 500;

/** Scans the reports of all origins, in turns, so that those of no site delay all others. */
async function scanAll(roots: Roots, removesParts: boolean): Promise<SpoolScan> {
  const scans = [await new OriginScan(roots.dir, null, removesParts).scan()];
  for (const origin of roots.inbox === null ? [] : siteEntries(roots.inbox)) {
    scans.push(await new OriginScan(rootOf(roots, origin), origin, removesParts).scan());
  }
  return {
    reports: inTurns(scans.map(({ reports }) => reports)),
    quarantines: scans.flatMap((one) => one.quarantines),
    passedOver: scans.flatMap((one) => one.passedOver),
  };
}

/** The most origins that a line about passed entries names. */
const maxOrigins = 5;

/** Scans a spool, and reports in one line what the scan has passed over. That fails no run. */
export async function scanReporting(
  spool: Pick<SealedSpool, 'scan'>,
  observe: (event: { readonly kind: 'fault'; readonly fault: FleetError }) => void,
  holdsLock = true,
): Promise<SpoolScan> {
  const scan = await spool.scan(holdsLock);
  const lines = scan.passedOver.map(({ line }) => line);
  const message = namedUpTo(maxOrigins, lines);
  if (lines.length > 0) {
    observe({ kind: 'fault', fault: new FleetError({ code: 'inbox-strange', stage: 'spool', message }) });
  }
  return scan;
}

/** The most characters of a strange name in a line for people. */
const maxNameChars = 200;

/** Scans the folders of one origin. A fault below its folder costs this origin alone. */
class OriginScan {
  readonly #dir: string;
  readonly #origin: string | null;
  readonly #removesParts: boolean;
  readonly #reports: SpooledReport[] = [];
  readonly #quarantines: string[] = [];
  #passedOver: { readonly line: string; others: number } | null = null;

  constructor(dir: string, origin: string | null, removesParts: boolean) {
    this.#dir = dir;
    this.#origin = origin;
    this.#removesParts = removesParts;
  }

  async scan(): Promise<SpoolScan> {
    for (const [index, entry] of this.#folders().entries()) {
      if (index % foldersAtOnce === foldersAtOnce - 1) await setImmediate();
      const folder = path.join(this.#dir, entry.name);
      if (!entry.isDirectory()) this.#passOverStrange(folder, entry);
      else if (this.#origin !== null && !isOurName(entry.name)) this.#passOver(folder, 'no name of a client');
      else this.#scanFolder(folder);
    }
    const { line = '', others = 0 } = this.#passedOver ?? {};
    const more =
      others === 0 ? '' : `; so ${others === 1 ? 'is' : 'are'} ${counted(others, 'other path')} below ${this.#dir}`;
    return {
      reports: this.#reports.sort((a, b) => a.receivedAtMs - b.receivedAtMs),
      quarantines: this.#quarantines,
      passedOver: this.#passedOver === null ? [] : [{ origin: this.#origin, line: `${line}${more}` }],
    };
  }

  /** Returns the entries of the origin's folder. Throws FleetError `state-unusable` for encrypted_stats/ alone. */
  #folders(): readonly Dirent[] {
    if (this.#origin === null) return entriesOf(this.#dir);
    try {
      return inFolder(this.#dir, (held) => held.entries());
    } catch (thrown) {
      this.#passOver(this.#dir, messageOf(thrown));
      return [];
    }
  }

  #scanFolder(folder: string): void {
    try {
      inFolder(folder, (held) => {
        if (this.#removesParts) giveReadableNames(held);
        for (const entry of held.entries()) this.#take(held, entry);
      });
    } catch (thrown) {
      // Another process has removed it.
      if (errnoOf(thrown) !== 'ENOENT') this.#passOver(folder, messageOf(thrown));
    }
  }

  #take(held: HeldFolder, entry: Dirent): void {
    const { name } = entry;
    const file = path.join(held.dir, name);
    const folder = path.basename(held.dir);
    const isDocuments = this.#origin !== null && folder === documentsFolder;
    if (this.#origin === null && entry.isDirectory() && name === 'quarantine') this.#quarantines.push(file);
    // A folder, link or pipe of that name is rejected when it is read.
    else if (entry.isFile() && name.endsWith(partSuffix)) this.#removeOldPart(held, name);
    else if (!isDocuments && name.endsWith('.fhs')) {
      const { receivedAtMs, clock } = factsOfFile(held, name);
      this.#reports.push({ client: clientOfFolder(folder), file, origin: this.#origin, receivedAtMs, clock });
    } else if (!isDocuments || !entry.isFile() || !name.endsWith('.json')) this.#passOverStrange(file, entry);
  }

  #removeOldPart(held: HeldFolder, name: string): void {
    if (this.#removesParts && isOldPart(held.at(name))) held.remove(name);
  }

  /** Notes an entry of a site that is none of this program. In encrypted_stats/ people may keep what they like. */
  #passOverStrange(file: string, entry: Dirent): void {
    // A file that is being copied has a hidden name. Earlier versions had folders of these names there.
    const isHidden = entry.name.startsWith('.') || ['quarantine', 'set-aside'].includes(entry.name);
    if (this.#origin !== null && !isHidden) this.#passOver(file, kindOf(entry));
  }

  #passOver(file: string, reason: string): void {
    if (this.#passedOver !== null) this.#passedOver.others += 1;
    else this.#passedOver = { line: `${shownName(file)} is passed over: ${shownName(reason)}`, others: 0 };
  }
}

function shownName(text: string): string {
  return escapeControls(shortened(text, maxNameChars));
}

function isOurName(folder: string): boolean {
  return folder.startsWith('%h') || clientOfFolder(folder) !== null;
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isDirectory()) return 'a folder';
  return entry.isFile() ? 'a file of another name' : 'no regular file';
}

/** Renames sealed files whose names are not UTF-8. Throws errors of fs. */
function giveReadableNames(held: HeldFolder): void {
  renameUnreadable(held, (name) => {
    if (isUtf8(name) || !name.toString('latin1').endsWith('.fhs')) return null;
    return `${createHash('sha256').update(name).digest('hex').slice(0, 36)}.fhs`;
  });
}

function factsOfFile(held: HeldFolder, name: string): NamedFacts {
  return factsOfName(name) ?? { receivedAtMs: boundedTime(held.facts(name)?.mtimeMs ?? 0), clock: null };
}
