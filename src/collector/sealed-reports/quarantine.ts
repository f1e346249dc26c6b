import { createHash } from 'node:crypto';
import path from 'node:path';

import { inFolder, inMadeFolder, removeSome, removeTree, type HeldFolder } from '../../state-folder/held-folder.ts';
import type { ErrorCode } from '../../platform/errors/errors.ts';
import { boundedTime } from '../../report/check-value.ts';
import type { SealedItem } from '../../storage/store/sealed-store.ts';
import type { SpooledReport } from './sealed-names.ts';

/** The bounds of quarantine. Beyond them only a line with reason, digest and size is kept. */
export interface QuarantineBounds {
  readonly filesPerClient: number;
  readonly bytesPerClient: number;
  readonly files: number;
  readonly bytes: number;
  /** The folders of set-aside/ for the reports of one site, which may name any client. */
  readonly foldersPerSite: number;
  /** The size of each client's file of lines. The previous file is kept too. */
  readonly lineBytes: number;
}

export const defaultBounds: QuarantineBounds = {
  filesPerClient: 20,
  bytesPerClient: 4 * 1024 * 1024,
  files: 2000,
  bytes: 128 * 1024 * 1024,
  foldersPerSite: 500,
  lineBytes: 64 * 1024,
};

/** The most entries of a folder in the place of a site's report that one run removes. */
const maxRemoved = 1000;

/** A report from the database. Its id is a valid file name. */
export interface UnfiledReport extends Pick<SealedItem, 'reportId' | 'receivedAtMs' | 'sealed'> {
  /** The absolute path of the client's quarantine folder. */
  readonly place: string;
}

export interface QuarantineReason {
  readonly code: ErrorCode;
  readonly message: string;
  readonly atMs: number;
}

interface Usage {
  files: number;
  bytes: number;
}

export interface QuarantineOptions {
  /** The absolute paths of the existing quarantine folders in encrypted_stats/. */
  readonly places: readonly string[];
  /** The folder set-aside/, for the reports of sites. */
  readonly setAside: string;
  readonly bounds?: QuarantineBounds;
  readonly nowMs: number;
  /** The age beyond which files are deleted. */
  readonly keepMs: number;
}

/**
 * The folders encrypted_stats/<client>/quarantine/, and set-aside/<site>/<client>/ for reports of sites: rejected
 * reports, as `<report id>.fhs` with `<report id>.json` beside it, and `dropped.jsonl` for reports beyond the bounds.
 * No run tries them again unless a person moves a file back.
 */
export class Quarantine {
  readonly #bounds: QuarantineBounds;
  readonly #setAside: string;
  readonly #total: Usage = { files: 0, bytes: 0 };
  readonly #perFolder = new Map<string, Usage>();

  readonly #foldersOf = new Map<string, number>();

  /**
   * Counts the files in quarantine, and deletes the oldest, and empty folders of sites. A folder that cannot be read
   * counts as empty.
   */
  constructor({ places, setAside, bounds = defaultBounds, nowMs, keepMs }: QuarantineOptions) {
    this.#bounds = bounds;
    this.#setAside = setAside;
    for (const place of places) this.#count(place, usageOf(place, nowMs - keepMs));
    for (const place of placesAside(setAside)) {
      const usage = usageOf(place, nowMs - keepMs);
      if (usage.entries === 0 && isRemoved(place)) continue;
      this.#count(place, usage);
      this.#countFolder(place);
    }
  }

  /** Moves a file of any kind to quarantine. Throws errors of fs, and then leaves the file. */
  add({ file, receivedAtMs, origin }: SpooledReport, client: string, reason: QuarantineReason): void {
    const own = path.dirname(file);
    const site = origin === null ? null : path.join(this.#setAside, origin);
    const wanted = site === null ? path.join(own, 'quarantine') : path.join(site, path.basename(own));
    const isRoom = site === null || this.#hasFolder(site, wanted);
    // Beyond the bound of folders the lines of a site stand beside them.
    const place = site === null || isRoom ? wanted : site;
    inFolder(own, (from) => {
      const name = path.basename(file);
      const kind = from.facts(name);
      if (kind === null) return;
      const size = kind.isFile() ? kind.size : 0;
      const facts = factsOf({ reportId: idOfName(name), receivedAtMs }, client, reason, size);
      inMadeFolder(place, (held) => {
        // In encrypted_stats/ only an administrator can create a folder of that name. It is moved in any case.
        const fits = isRoom && this.#fits(place, size);
        if (!fits && !(site === null && kind.isDirectory())) {
          this.#dropToLine(held, facts, digestOfFile(from, name));
          let left = maxRemoved;
          removeSome(from, { entry: kind, raw: Buffer.from(name), name }, () => left-- > 0);
          return;
        }
        if (site !== null && !this.#perFolder.has(place)) this.#countFolder(place);
        this.#put(held, facts, (target) => {
          from.move(name, held.at(target));
          held.sync();
        });
      });
    });
  }

  /** Writes a report that was in no file, unless the same bytes exist already. Throws errors of fs. */
  keep(report: UnfiledReport, client: string, reason: QuarantineReason): void {
    const { place, reportId, sealed } = report;
    const facts = factsOf(report, client, reason, sealed.length);
    inMadeFolder(place, (held) => {
      if (isThere(held, `${reportId}.fhs`, sealed)) return;
      if (!this.#fits(place, sealed.length)) this.#dropToLine(held, facts, digestOf(sealed));
      else this.#put(held, facts, (name) => held.write(name, sealed));
    });
  }

  #countFolder(place: string): void {
    const site = path.dirname(place);
    this.#foldersOf.set(site, (this.#foldersOf.get(site) ?? 0) + 1);
  }

  /** True if a folder of a site exists, or may be made. */
  #hasFolder(site: string, place: string): boolean {
    return this.#perFolder.has(place) || (this.#foldersOf.get(site) ?? 0) < this.#bounds.foldersPerSite;
  }

  #usageIn(place: string): Usage {
    return this.#perFolder.get(place) ?? { files: 0, bytes: 0 };
  }

  #count(place: string, { files, bytes }: Usage): void {
    const before = this.#usageIn(place);
    this.#perFolder.set(place, { files: before.files + files, bytes: before.bytes + bytes });
    this.#total.files += files;
    this.#total.bytes += bytes;
  }

  #fits(place: string, size: number): boolean {
    const bounds = this.#bounds;
    const usage = this.#usageIn(place);
    return (
      usage.files < bounds.filesPerClient &&
      usage.bytes + size <= bounds.bytesPerClient &&
      this.#total.files < bounds.files &&
      this.#total.bytes + size <= bounds.bytes
    );
  }

  #dropToLine(place: HeldFolder, facts: Facts, sha256: string | null): void {
    appendLine(place, `${JSON.stringify({ ...facts, sha256 })}\n`, this.#bounds.lineBytes);
  }

  /** Creates a file and its facts: `<report id>.fhs` and `<report id>.json`. */
  #put(place: HeldFolder, facts: Facts, makeFile: (name: string) => void): void {
    const name = freeName(place, facts.report_id);
    place.write(`${name}.json`, `${JSON.stringify(facts, null, 1)}\n`);
    makeFile(`${name}.fhs`);
    this.#count(place.dir, { files: 1, bytes: facts.size_bytes });
  }
}

/** Returns the folders of set-aside/ for the reports of sites; none if a folder cannot be read. */
function placesAside(setAside: string): readonly string[] {
  return foldersIn(setAside).flatMap((site) =>
    foldersIn(path.join(setAside, site)).map((folder) => path.join(setAside, site, folder)),
  );
}

function foldersIn(dir: string): readonly string[] {
  try {
    const entries = inFolder(dir, (held) => held.entries());
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** The longest part of a file's name that becomes a name in quarantine. */
const longestId = 100;

/** Returns the report id in a file's name; a digest of a name that is too long for an ending. */
function idOfName(name: string): string {
  const [id = ''] = name.split('.', 1);
  return Buffer.byteLength(id) <= longestId ? id : createHash('sha256').update(name).digest('hex').slice(0, 36);
}

type Facts = ReturnType<typeof factsOf>;

function factsOf(
  { reportId, receivedAtMs }: Pick<UnfiledReport, 'reportId' | 'receivedAtMs'>,
  client: string,
  { code, message, atMs }: QuarantineReason,
  size: number,
) {
  return {
    client,
    report_id: reportId,
    code,
    message,
    quarantined_at: new Date(atMs).toISOString(),
    received_at: new Date(boundedTime(receivedAtMs)).toISOString(),
    size_bytes: size,
  };
}

function isThere(place: HeldFolder, name: string, bytes: Uint8Array): boolean {
  const facts = place.facts(name);
  if (facts === null || !facts.isFile() || facts.size !== bytes.length) return false;
  return place.read(name, bytes.length).equals(bytes);
}

/** Returns a free file name. A report id may occur again and again; each report is kept, within the bounds. */
function freeName(place: HeldFolder, id: string): string {
  const taken = new Set(place.entries().map((entry) => entry.name));
  let name = id;
  for (let number = 2; taken.has(`${name}.fhs`); number++) name = `${id}-${number}`;
  return name;
}

/** The size beyond which files are not read for their digest: no report is so large. */
const largestDigested = 8 * 1024 * 1024;

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Returns the digest of a plain file; null for anything else, and for a file that cannot be read. */
function digestOfFile(folder: HeldFolder, name: string): string | null {
  try {
    return digestOf(folder.read(name, largestDigested));
  } catch {
    return null;
  }
}

function appendLine(place: HeldFolder, line: string, maxBytes: number): void {
  const name = 'dropped.jsonl';
  const before = place.facts(name)?.size ?? 0;
  if (before > 0 && before + line.length > maxBytes) place.move(name, place.at('dropped.1.jsonl'));
  place.append(name, line);
}

/** Removes an empty folder of a site. Returns false if it stays. */
function isRemoved(place: string): boolean {
  try {
    const name = path.basename(place);
    return inFolder(path.dirname(place), (site) => {
      const entry = site.facts(name);
      let left = 1;
      return entry === null || removeSome(site, { entry, raw: Buffer.from(name), name }, () => left-- > 0);
    });
  } catch {
    return false;
  }
}

function usageOf(place: string, beforeMs: number): Usage & { readonly entries: number } {
  const usage = { files: 0, bytes: 0, entries: 0 };
  try {
    inFolder(place, (held) => {
      for (const { name } of held.entries()) {
        // A rename does not change mtime. The time in quarantine counts.
        const facts = held.facts(name);
        if (facts === null) continue;
        const isOld = Math.max(facts.mtimeMs, facts.ctimeMs) < beforeMs;
        if (isOld) removeTree(held, name);
        else usage.entries += 1;
        if (!isOld && name.endsWith('.fhs')) {
          usage.files += 1;
          usage.bytes += facts.isFile() ? facts.size : 0;
        }
      }
    });
  } catch {
    // A folder that cannot be read costs its client alone: no report can be put there either.
    usage.entries += 1;
  }
  return usage;
}
