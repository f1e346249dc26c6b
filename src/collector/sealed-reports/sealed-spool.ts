import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  type Dirent,
} from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { remembered } from '../../platform/remembered.ts';
import { makeOwnFolder, isOldPart, partSuffix, sharedSync, writeSynced } from '../../state-folder/durable-file.ts';
import { errnoOf, FleetError, messageOf } from '../../errors.ts';
import { boundedTime } from '../../report/outside-values.ts';
import { SealFault } from '../../seal/seal-fault.ts';
import { maxSealedBytes } from '../../seal/sealed-message.ts';
import { clientOfFolder, folderOfClient } from '../../state-folder/client-folder.ts';
import { entriesOf } from '../../state-folder/folder-entries.ts';
import { removeStored } from '../inbox/document-files.ts';
import type { Keep } from '../inbox/stored-files.ts';
import { inTurns, siteFolders } from '../inbox/origins.ts';
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
  /** Stores a report. Resolves once it survives a power loss. Throws FleetError `spool-full` or `state-unusable`. */
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
    makeOwnFolder(path.dirname(folder));
    // A first run makes a folder for each client: these share syncs.
    makeOwnFolder(folder, () => undefined);
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
      try {
        await folderReady(folder);
        await writeSynced(folder, name, report.sealed);
      } catch (thrown) {
        throw spoolError(thrown, client, dir);
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
  const fd = openRegular(file);
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw new SealFault('seal-corrupt', 'no regular file');
    if (facts.size > maxSealedBytes) throw new SealFault('report-too-large', `a sealed report of ${facts.size} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Opens a file. Follows no link, and does not wait for the writer of a pipe. */
function openRegular(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    // ENXIO: the file is a socket.
    if (!['ELOOP', 'ENXIO', 'EMLINK'].includes(errnoOf(thrown) ?? '')) throw thrown;
    throw new SealFault('seal-corrupt', 'no regular file', thrown);
  }
}

const fullCodes: readonly (string | null)[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG'];

function spoolError(thrown: unknown, client: string, dir: string): FleetError {
  return new FleetError({
    code: fullCodes.includes(errnoOf(thrown)) ? 'spool-full' : 'state-unusable',
    stage: 'spool',
    // A full disk does not depend on one file.
    message: `${dir}: ${messageOf(thrown)}`,
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
  const scans = [await scanFolders(roots.dir, null, removesParts)];
  for (const origin of roots.inbox === null ? [] : siteFolders(roots.inbox)) {
    scans.push(await scanFolders(rootOf(roots, origin), origin, removesParts));
  }
  return {
    reports: inTurns(scans.map(({ reports }) => reports)),
    quarantines: scans.flatMap((one) => one.quarantines),
  };
}

async function scanFolders(dir: string, origin: string | null, removesParts: boolean): Promise<SpoolScan> {
  const reports: SpooledReport[] = [];
  const quarantines: string[] = [];
  for (const [index, folder] of entriesOf(dir).entries()) {
    if (index % foldersAtOnce === foldersAtOnce - 1) await setImmediate();
    if (!folder.isDirectory()) continue;
    const client = clientOfFolder(folder.name);
    for (const entry of entriesIn(path.join(dir, folder.name), removesParts)) {
      const file = path.join(dir, folder.name, entry.name);
      if (entry.isDirectory() && entry.name === 'quarantine') quarantines.push(file);
      // A folder, link or pipe of that name is rejected when it is read.
      if (entry.isFile() && entry.name.endsWith(partSuffix)) {
        if (removesParts && isOldPart(file)) rmSync(file, { force: true });
      } else if (entry.name.endsWith('.fhs')) reports.push({ client, file, origin, ...factsOfFile(file, entry.name) });
    }
  }
  return { reports: reports.sort((a, b) => a.receivedAtMs - b.receivedAtMs), quarantines };
}

function entriesIn(folder: string, mayRename: boolean): readonly Dirent[] {
  const entries = entriesOf(folder);
  return mayRename && giveReadableNames(folder, entries) ? entriesOf(folder) : entries;
}

/**
 * Renames sealed files whose names are not UTF-8: Node can neither open nor move them. Returns true if the entries of
 * the folder have to be read again. Throws errors of fs.
 */
function giveReadableNames(folder: string, entries: readonly Dirent[]): boolean {
  if (!entries.some(({ name }) => name.includes('\ufffd'))) return false;
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    if (isUtf8(name) || !name.toString('latin1').endsWith('.fhs')) continue;
    const readable = `${createHash('sha256').update(name).digest('hex').slice(0, 36)}.fhs`;
    renameSync(Buffer.concat([Buffer.from(`${folder}/`), name]), path.join(folder, readable));
  }
  return true;
}

function factsOfFile(file: string, name: string): NamedFacts {
  const facts = factsOfName(name);
  if (facts !== null) return facts;
  return { receivedAtMs: boundedTime(lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0), clock: null };
}
