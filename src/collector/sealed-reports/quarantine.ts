import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { makeOwnFolder, syncFolderNow, writeDurably } from '../../state-folder/durable-file.ts';
import type { ErrorCode } from '../../errors.ts';
import { boundedTime } from '../../report/outside-values.ts';
import type { SealedItem } from '../../storage/store/sealed-store.ts';
import type { SpooledReport } from './sealed-spool.ts';

/** The bounds of quarantine. Beyond them only a line with reason, digest and size is kept. */
export interface QuarantineBounds {
  readonly filesPerClient: number;
  readonly bytesPerClient: number;
  readonly files: number;
  readonly bytes: number;
  /** The size of each client's file of lines. The previous file is kept too. */
  readonly lineBytes: number;
}

export const defaultBounds: QuarantineBounds = {
  filesPerClient: 20,
  bytesPerClient: 4 * 1024 * 1024,
  files: 2000,
  bytes: 128 * 1024 * 1024,
  lineBytes: 64 * 1024,
};

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
  /** The absolute paths of the existing quarantine folders. */
  readonly places: readonly string[];
  readonly bounds?: QuarantineBounds;
  readonly nowMs: number;
  /** The age beyond which files are deleted. */
  readonly keepMs: number;
}

/**
 * The folders encrypted_stats/<client>/quarantine/: rejected reports, as `<report id>.fhs` with `<report id>.json`
 * beside it, and `dropped.jsonl` for reports beyond the bounds. No run tries them again unless a person moves a file
 * one folder up.
 */
export class Quarantine {
  readonly #bounds: QuarantineBounds;
  readonly #total: Usage = { files: 0, bytes: 0 };
  readonly #perFolder = new Map<string, Usage>();

  /** Counts the files in quarantine, and deletes the oldest. Throws errors of fs. */
  constructor({ places, bounds = defaultBounds, nowMs, keepMs }: QuarantineOptions) {
    this.#bounds = bounds;
    for (const place of places) this.#count(place, usageOf(place, nowMs - keepMs));
  }

  /** Moves a file of any kind to quarantine. Throws errors of fs, and then leaves the file. */
  add({ file, receivedAtMs }: SpooledReport, client: string, reason: QuarantineReason): void {
    const place = path.join(path.dirname(file), 'quarantine');
    const kind = fs.lstatSync(file);
    const size = kind.isFile() ? kind.size : 0;
    const [reportId = ''] = path.basename(file).split('.', 1);
    const facts = factsOf({ reportId, receivedAtMs }, client, reason, size);
    makeOwnFolder(place);
    // Only an administrator can create a folder of that name. It is moved in any case.
    if (!this.#fits(place, size) && !kind.isDirectory()) {
      const isDigested = kind.isFile() && size <= largestDigested;
      this.#dropToLine(place, facts, isDigested ? digestOf(fs.readFileSync(file)) : null);
      fs.rmSync(file);
      return;
    }
    this.#put(place, facts, (target) => {
      fs.renameSync(file, target);
      syncFolderNow(place);
    });
  }

  /** Writes a report that was in no file, unless the same bytes exist already. Throws errors of fs. */
  keep(report: UnfiledReport, client: string, reason: QuarantineReason): void {
    const { place, reportId, sealed } = report;
    const facts = factsOf(report, client, reason, sealed.length);
    makeOwnFolder(place);
    if (isThere(path.join(place, `${reportId}.fhs`), sealed)) return;
    if (!this.#fits(place, sealed.length)) this.#dropToLine(place, facts, digestOf(sealed));
    else this.#put(place, facts, (file) => writeDurably({ file, content: sealed, mode: 0o600 }));
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

  #dropToLine(place: string, facts: Facts, sha256: string | null): void {
    appendLine(place, `${JSON.stringify({ ...facts, sha256 })}\n`, this.#bounds.lineBytes);
  }

  /** Creates a file and its facts: `<report id>.fhs` and `<report id>.json`. */
  #put(place: string, facts: Facts, makeFile: (file: string) => void): void {
    const target = path.join(place, freeName(place, facts.report_id));
    const content = `${JSON.stringify(facts, null, 1)}\n`;
    writeDurably({ file: `${target}.json`, content, mode: 0o600 });
    makeFile(`${target}.fhs`);
    this.#count(place, { files: 1, bytes: facts.size_bytes });
  }
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

function isThere(file: string, bytes: Uint8Array): boolean {
  const facts = fs.lstatSync(file, { throwIfNoEntry: false });
  return facts !== undefined && facts.isFile() && facts.size === bytes.length && fs.readFileSync(file).equals(bytes);
}

/** Returns a free file name. A report id may occur again and again; each report is kept, within the bounds. */
function freeName(place: string, id: string): string {
  const taken = new Set(fs.readdirSync(place));
  let name = id;
  for (let number = 2; taken.has(`${name}.fhs`); number++) name = `${id}-${number}`;
  return name;
}

/** The size beyond which files are not read for their digest: no report is so large. */
const largestDigested = 8 * 1024 * 1024;

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function appendLine(place: string, line: string, maxBytes: number): void {
  const lines = path.join(place, 'dropped.jsonl');
  const before = fs.lstatSync(lines, { throwIfNoEntry: false })?.size ?? 0;
  if (before > 0 && before + line.length > maxBytes) fs.renameSync(lines, path.join(place, 'dropped.1.jsonl'));
  // Follows no link, and does not wait for the reader of a pipe.
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  const descriptor = fs.openSync(lines, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    fs.writeFileSync(descriptor, line);
  } finally {
    fs.closeSync(descriptor);
  }
}

function usageOf(place: string, beforeMs: number): Usage {
  const usage: Usage = { files: 0, bytes: 0 };
  for (const name of fs.readdirSync(place)) {
    const file = path.join(place, name);
    // The entry may be a dangling link.
    const facts = fs.lstatSync(file, { throwIfNoEntry: false });
    if (facts === undefined) continue;
    // A rename does not change mtime. The time in quarantine counts.
    if (Math.max(facts.mtimeMs, facts.ctimeMs) < beforeMs) fs.rmSync(file, { recursive: true, force: true });
    else if (name.endsWith('.fhs')) {
      usage.files += 1;
      usage.bytes += facts.isFile() ? facts.size : 0;
    }
  }
  return usage;
}
