/** The sealed reports that wait in encrypted_stats/ and in the folders of sites, within bounds of their number. */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { escapeControls } from '../../platform/errors/log.ts';
import { errnoOf, FleetError, isOwnFault, lacksDescriptors, messageOf } from '../../platform/errors/errors.ts';
import { append } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { boundedTime } from '../../report/check-value.ts';
import { maxSealedBytes, minSealedBytes } from '../../report/seal/sealed-message.ts';
import { clientOfFolder, folderOfClient } from '../../state-folder/client-folder.ts';
import { isOldPart, partSuffix } from '../../state-folder/durable-file.ts';
import { entriesOf } from '../../state-folder/folder-entries.ts';
import { factsOfRaw, HeldFolder, removeSome, renameRaw, type RawEntry } from '../../state-folder/held-folder.ts';
import { counted, countedMany, namedUpTo } from '../../text/numbers.ts';
import { shortened } from '../../text/shortened.ts';
import { isNamedAsDocument, onDisk } from '../inbox/document-files.ts';
import { documentsFolder, inTurns, maxSiteDocuments, siteEntries, type SiteClients } from '../inbox/origins.ts';
import {
  factsOfName,
  rootOf,
  type NamedFacts,
  type PassedOver,
  type Roots,
  type SpooledReport,
  type SpoolScan,
} from './sealed-names.ts';

/** The clients of sites, by the sites' folders in the inbox. */
export type KnownSites = ReadonlyMap<string, Pick<SiteClients, 'clients'>>;

/** The bounds of one scan. What is beyond them waits for the next run. */
export const scanBounds = {
  /** The names in a folder of ours, which holds at most `maxFilesOfClient`. */
  ownFolder: 16_384,
  /** The names in the folder of one client of a site. */
  siteFolder: 5000,
  /** The names of a site, and those for each of its clients. */
  site: 20_000,
  siteClient: 300,
  /** The entries of a site that are none of this program and stay, for people to look at. Others are removed. */
  strange: 1000,
  /** The folders of a site that are scanned and are of none of its clients. */
  foreign: 200,
  /** The files of a site that are no sealed reports and go to quarantine. Others are removed. */
  noReports: 20,
  /** The time for removing what one origin has brought: reports of this run are acknowledged after the scan. */
  removeMs: 250,
} as const;

/** Returns the most names of a site with so many clients: those that one run reads, and those that it may bring. */
export function mostOfSite(clients: number): number {
  return scanBounds.site + scanBounds.siteClient * clients;
}

/** The number of names that are read in one turn of the event loop. */
const namesAtOnce = 500;

/** Scans the reports of all origins, in turns, so that those of no site delay all others. */
export async function scanSpool(
  roots: Roots,
  holdsLock = true,
  sites: KnownSites = new Map(),
  removeMs: number = scanBounds.removeMs,
): Promise<SpoolScan> {
  const lists: SpooledReport[][] = [];
  const quarantines: string[] = [];
  const passedOver: PassedOver[] = [];
  for (const origin of [null, ...(roots.inbox === null ? [] : siteEntries(roots.inbox))]) {
    const reports: SpooledReport[] = [];
    const onReport = (report: SpooledReport): void => void reports.push(report);
    const scan = new OriginScan({ roots, origin, holdsLock, removeMs, sites, onReport });
    await scan.scan();
    lists.push(reports.sort((a, b) => a.receivedAtMs - b.receivedAtMs));
    for (const place of scan.quarantines) quarantines.push(place);
    append(passedOver, scan.passedOver());
  }
  return { reports: inTurns(lists), quarantines, passedOver };
}

/** The reports that wait in the folder of one client. */
export interface FolderUse {
  files: number;
  bytes: number;
}

/** Measures what waits in all folders, by their paths, without a list of it. Changes nothing. */
export async function measureSpool(roots: Roots, sites: KnownSites): Promise<ReadonlyMap<string, FolderUse>> {
  const uses = new Map<string, FolderUse>();
  const onReport = ({ file, bytes }: SpooledReport): void => {
    const folder = path.dirname(file);
    const use = uses.get(folder) ?? { files: 0, bytes: 0 };
    uses.set(folder, use);
    use.files += 1;
    use.bytes += bytes;
  };
  for (const origin of [null, ...(roots.inbox === null ? [] : siteEntries(roots.inbox))]) {
    await new OriginScan({ roots, origin, holdsLock: false, removeMs: 0, sites, onReport }).scan();
  }
  return uses;
}

/** The most origins that a line about passed entries names. */
const maxOrigins = 5;

/**
 * Reports in one line what a scan has passed over. That fails no run, unless a fault of this machine is the reason,
 * which goes to `onFault`. Default: as the line.
 */
export function reportPassedOver(
  { passedOver }: Pick<SpoolScan, 'passedOver'>,
  observe: (event: { readonly kind: 'fault'; readonly fault: FleetError }) => void,
  onFault: (fault: FleetError) => void = (fault) => observe({ kind: 'fault', fault }),
): void {
  if (passedOver.length === 0) return;
  const message = namedUpTo(
    maxOrigins,
    passedOver.map(({ line }) => line),
  );
  const cause = passedOver.map((one) => one.cause).find(lacksDescriptors);
  const fault = new FleetError({ code: 'inbox-strange', stage: 'spool', message, cause });
  if (isOwnFault(fault.code)) onFault(fault);
  else observe({ kind: 'fault', fault });
}

/** The most characters of a strange name in a line for people. */
const maxNameChars = 200;

interface OriginScanOptions {
  readonly roots: Roots;
  readonly origin: string | null;
  readonly holdsLock: boolean;
  readonly removeMs: number;
  readonly sites: KnownSites;
  readonly onReport: (report: SpooledReport) => void;
}

/** Scans the folders of one origin. A fault below its folder costs this origin alone. */
class OriginScan {
  readonly #options: OriginScanOptions;
  readonly #dir: string;
  readonly #clients: ReadonlyMap<string, unknown>;
  readonly quarantines: string[] = [];
  /** The names of this site that may still be read. */
  #left: number;
  #read = 0;
  #passed: { readonly line: string; readonly cause: unknown; others: number } | null = null;
  #strange = 0;
  #noReports = 0;
  #unread: string | null = null;
  #removed = 0;
  #removedReports = 0;
  #removingMs = 0;
  readonly #documents: string[] = [];
  readonly #renamed = new Set<string>();

  constructor(options: OriginScanOptions) {
    this.#options = options;
    this.#dir = rootOf(options.roots, options.origin);
    this.#clients = options.sites.get(options.origin ?? '')?.clients ?? new Map();
    this.#left = this.#isSite ? mostOfSite(this.#clients.size) : Infinity;
  }

  get #isSite(): boolean {
    return this.#options.origin !== null;
  }

  async scan(): Promise<void> {
    for (const folder of await this.#folders()) await this.#scanFolder(path.join(this.#dir, folder), folder);
  }

  /** Returns the line for people; none if all is well. */
  passedOver(): readonly PassedOver[] {
    const { line, cause, others = 0 } = this.#passed ?? {};
    const more =
      others === 0 ? '' : `; so ${others === 1 ? 'is' : 'are'} ${counted(others, 'other path')} below ${this.#dir}`;
    const wereNone = 'that were no sealed reports and no records';
    const parts = [
      line === undefined ? [] : [`${line}${more}`],
      this.#removedReports === 0
        ? []
        : [`${countedMany(this.#removedReports, 'file')} ${wereNone} of ${this.#dir} went`],
      this.#removed === 0
        ? []
        : [`${countedMany(this.#removed, 'path')} below ${this.#dir} went, because more than a run reads were there`],
      this.#unread === null ? [] : [`${this.#unread} holds more than a run reads: the next runs go on`],
    ].flat();
    return parts.length === 0
      ? []
      : [{ origin: this.#options.origin, line: parts.join('; '), ...(cause === undefined ? {} : { cause }) }];
  }

  /** Returns the names of the folders to scan. Throws FleetError `state-unusable` for encrypted_stats/ alone. */
  async #folders(): Promise<readonly string[]> {
    if (!this.#isSite) return entriesOf(this.#dir).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    const known = [...this.#clients.keys()].map(folderOfClient);
    // No folder is always the last one.
    const first = Math.floor(Math.random() * known.length);
    const own = [documentsFolder, ...known.slice(first), ...known.slice(0, first)];
    return [...own, ...(await this.#otherFolders(new Set(own)))];
  }

  /** Returns the folders of a site that are named as those of clients, but are of none that config.xml gives to it. */
  async #otherFolders(own: ReadonlySet<string>): Promise<readonly string[]> {
    const others: string[] = [];
    await this.#inFolder(this.#dir, scanBounds.siteFolder + own.size, (held, raw) => {
      const { entry, name } = raw;
      if (name !== null && own.has(name) && entry.isDirectory()) return;
      const isOthers = name !== null && entry.isDirectory() && isOurName(name);
      if (isOthers && others.length < scanBounds.foreign) others.push(name);
      else if (isOthers && this.#strange >= scanBounds.strange) this.#removeStrange(held, raw);
      else if (isOthers) this.#strange += 1;
      else this.#passOverStrange(held, raw, entry.isDirectory() ? 'no name of a client' : kindOf(entry));
    });
    return others;
  }

  async #scanFolder(folder: string, name: string): Promise<void> {
    const isDocuments = this.#isSite && name === documentsFolder;
    const most = this.#isSite ? scanBounds.siteFolder : scanBounds.ownFolder;
    await this.#inFolder(folder, isDocuments ? scanBounds.site : most, (held, raw) => {
      if (isDocuments) this.#takeDocument(held, raw);
      else this.#take(held, raw);
    });
    if (isDocuments) await this.#boundDocuments(folder);
  }

  /** Hands over the entries of a folder, as many as may be read, some in each turn of the event loop. */
  async #inFolder(folder: string, most: number, take: (held: HeldFolder, entry: RawEntry) => void): Promise<void> {
    let held: HeldFolder | null = null;
    try {
      held = new HeldFolder(folder);
      let left = most;
      for (const entry of held.eachEntry()) {
        if (left === 0 || this.#left === 0) {
          this.#unread ??= folder;
          break;
        }
        left -= 1;
        this.#left -= 1;
        take(held, entry);
        if (++this.#read % namesAtOnce === 0) await setImmediate();
      }
    } catch (thrown) {
      // Another process has removed it, or nothing came yet.
      if (errnoOf(thrown) !== 'ENOENT') this.#passOver(folder, messageOf(thrown), thrown);
    } finally {
      held?.close();
    }
  }

  #take(held: HeldFolder, raw: RawEntry): void {
    const { entry } = raw;
    const name = raw.name ?? this.#readableName(held, raw);
    // The reading of a folder may show a file again under its new name.
    if (name === null || (raw.name !== null && this.#renamed.has(name))) return;
    const file = path.join(held.dir, name);
    if (!this.#isSite && entry.isDirectory() && name === 'quarantine') this.quarantines.push(file);
    // A folder, link or pipe of that name is rejected when it is read.
    else if (entry.isFile() && name.endsWith(partSuffix)) this.#removeOldPart(held, name);
    else if (name.endsWith('.fhs')) this.#takeReport(held, name, entry);
    else this.#passOverStrange(held, raw, kindOf(entry));
  }

  #takeReport(held: HeldFolder, name: string, entry: RawEntry['entry']): void {
    const { onReport, origin, holdsLock } = this.#options;
    const file = path.join(held.dir, name);
    const facts = held.facts(name);
    if (facts === null) return;
    if (holdsLock && facts.isFile() && facts.size < minSealedBytes && ++this.#noReports > scanBounds.noReports) {
      this.#inTime(held.dir, () => {
        held.remove(name);
        this.#removedReports += 1;
      });
      return;
    }
    const isOther = this.#isSite && !facts.isFile();
    if (isOther && ++this.#noReports > scanBounds.noReports) {
      this.#removeStrange(held, { entry, raw: Buffer.from(name), name });
      return;
    }
    const { receivedAtMs, clock } = factsOfName(name) ?? named(facts.mtimeMs);
    // A larger file is no report, and goes to quarantine.
    const bytes = onDisk(Math.min(maxSealedBytes, facts.size));
    onReport({ client: clientOfFolder(path.basename(held.dir)), file, origin, receivedAtMs, clock, bytes });
  }

  #takeDocument(held: HeldFolder, raw: RawEntry): void {
    const { entry, name } = raw;
    if (name === null || !entry.isFile() || !name.endsWith('.json')) {
      if (name !== null && entry.isFile() && name.endsWith(partSuffix)) this.#removeOldPart(held, name);
      else this.#passOverStrange(held, raw, kindOf(entry));
    } else if (isNamedAsDocument(name)) this.#documents.push(name);
    // The run sets some of them aside, for people to look at.
    else if (this.#options.holdsLock && ++this.#noReports > scanBounds.noReports) this.#removeStrange(held, raw);
  }

  /** Removes the oldest documents of a site beyond the bound of their number. */
  async #boundDocuments(folder: string): Promise<void> {
    const over = this.#options.holdsLock ? this.#documents.length - maxSiteDocuments : 0;
    if (over <= 0) return;
    const oldest = new Set(this.#documents.toSorted().slice(0, over));
    const held = new HeldFolder(folder);
    try {
      let asked = 0;
      for (const name of oldest) {
        this.#inTime(folder, () => {
          held.remove(name);
          this.#removed += 1;
        });
        if (++asked % namesAtOnce === 0) await setImmediate();
      }
    } finally {
      held.close();
    }
  }

  /** Gives a sealed file a name that can be read. Returns null for others, and for more than a few of a site. */
  #readableName(held: HeldFolder, raw: RawEntry): string | null {
    const { holdsLock } = this.#options;
    if (!holdsLock || !raw.raw.toString('latin1').endsWith('.fhs')) {
      this.#passOverStrange(held, raw, 'a name without UTF-8');
      return null;
    }
    if (this.#isSite && this.#renamed.size >= scanBounds.noReports) {
      this.#removeStrange(held, raw);
      return null;
    }
    const name = `${createHash('sha256').update(raw.raw).digest('hex').slice(0, 36)}.fhs`;
    renameRaw(held, raw.raw, name);
    this.#renamed.add(name);
    return name;
  }

  #removeOldPart(held: HeldFolder, name: string): void {
    if (this.#options.holdsLock && isOldPart(held.at(name))) held.remove(name);
  }

  /** Notes an entry of a site that is none of this program. In encrypted_stats/ people may keep what they like. */
  #passOverStrange(held: HeldFolder, raw: RawEntry, reason: string): void {
    if (!this.#isSite) return;
    const name = raw.name ?? raw.raw.toString();
    // A file that is being copied has a hidden name. Earlier versions had folders of these names there.
    const isHidden = name.startsWith('.') || ['quarantine', 'set-aside'].includes(name);
    this.#strange += 1;
    if (this.#strange > scanBounds.strange && !(isHidden && isYoung(held, raw))) this.#removeStrange(held, raw);
    else if (!isHidden) this.#passOver(path.join(held.dir, name), reason);
  }

  /** Removes an entry of a site, because there are too many. */
  #removeStrange(held: HeldFolder, raw: RawEntry): void {
    if (!this.#options.holdsLock) return;
    this.#inTime(held.dir, () => {
      const mayRemove = (): boolean => this.#left > 0 && this.#left-- > 0;
      if (removeSome(held, raw, mayRemove)) this.#removed += 1;
    });
  }

  /** Removes something if there is time: otherwise the next run does. */
  #inTime(folder: string, remove: () => void): void {
    const begunAt = performance.now();
    if (this.#removingMs >= this.#options.removeMs) {
      this.#unread ??= folder;
      return;
    }
    try {
      remove();
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') this.#passOver(folder, messageOf(thrown), thrown);
    } finally {
      this.#removingMs += performance.now() - begunAt;
    }
  }

  #passOver(file: string, reason: string, cause?: unknown): void {
    if (this.#passed !== null) this.#passed.others += 1;
    else this.#passed = { line: `${shownName(file)} is passed over: ${shownName(reason)}`, cause, others: 0 };
  }
}

function named(mtimeMs: number): NamedFacts {
  return { receivedAtMs: boundedTime(mtimeMs), clock: null };
}

/** True if an entry came or changed within a day. Nobody can set the time of change. */
function isYoung(held: HeldFolder, { raw }: RawEntry): boolean {
  return (factsOfRaw(held, raw)?.ctimeMs ?? 0) > Date.now() - dayMs;
}

function shownName(text: string): string {
  return escapeControls(shortened(text, maxNameChars));
}

function isOurName(folder: string): boolean {
  return folder.startsWith('%h') || clientOfFolder(folder) !== null;
}

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): string {
  if (entry.isSymbolicLink()) return 'a symbolic link';
  if (entry.isDirectory()) return 'a folder';
  return entry.isFile() ? 'a file of another name' : 'no regular file';
}
