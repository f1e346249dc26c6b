import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';

import { makeOwnFolder } from '../../state/make-folder.ts';
import type { ErrorCode } from '../../errors.ts';
import { syncFolderNow, writeDurably } from '../../state/durable-file.ts';
import type { SpooledReport } from './sealed-spool.ts';

/** Bounds of what is kept; beyond them a line with reason, digest and size is. */
export interface QuarantineBounds {
  readonly filesPerClient: number;
  readonly bytesPerClient: number;
  readonly files: number;
  readonly bytes: number;
  /** Of each client's file of lines; it and the one before it are kept. */
  readonly lineBytes: number;
}

export const defaultBounds: QuarantineBounds = {
  filesPerClient: 20,
  bytesPerClient: 4 * 1024 * 1024,
  files: 2000,
  bytes: 128 * 1024 * 1024,
  lineBytes: 64 * 1024,
};

/**
 * encrypted_stats/<client>/quarantine/: reports that were not believed, as `<report id>.fhs` with `<report id>.json`
 * beside it, and `dropped.jsonl` for those beyond the bounds. Nothing here is ever tried again by itself; moving a file
 * one folder up makes the next run take it.
 */
export interface Quarantine {
  /** Moves a file there, whatever it is. Throws what fs throws; then the file is where it was. */
  add(report: SpooledReport, client: string, reason: QuarantineReason): void;
  /** The same for a report that was in no file; one that is there already, byte for byte, is left as it is. */
  keep(report: UnfiledReport, client: string, reason: QuarantineReason): void;
}

/** A report that came out of the database. */
export interface UnfiledReport {
  /** As a file may be called. */
  readonly reportId: string;
  readonly receivedAtMs: number;
  readonly sealed: Uint8Array;
  /** The quarantine folder that it belongs to, absolute. */
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
  /** The quarantine folders that there are, absolute. */
  readonly places: readonly string[];
  readonly bounds?: QuarantineBounds;
  readonly nowMs: number;
  /** What has been in quarantine for longer is deleted. */
  readonly keepMs: number;
}

/** Counts what is in quarantine already, and deletes the oldest of it. Throws what fs throws. */
export function openQuarantine({ places, bounds = defaultBounds, nowMs, keepMs }: QuarantineOptions): Quarantine {
  const total: Usage = { files: 0, bytes: 0 };
  const perFolder = new Map<string, Usage>();
  for (const place of places) {
    const usage = usageOf(place, nowMs - keepMs);
    perFolder.set(place, usage);
    total.files += usage.files;
    total.bytes += usage.bytes;
  }

  const fits = (place: string, size: number): boolean => {
    const usage = perFolder.get(place) ?? { files: 0, bytes: 0 };
    return (
      usage.files < bounds.filesPerClient &&
      usage.bytes + size <= bounds.bytesPerClient &&
      total.files < bounds.files &&
      total.bytes + size <= bounds.bytes
    );
  };
  const count = (place: string, size: number): void => {
    const usage = perFolder.get(place) ?? { files: 0, bytes: 0 };
    perFolder.set(place, { files: usage.files + 1, bytes: usage.bytes + size });
    total.files += 1;
    total.bytes += size;
  };

  return {
    add: ({ file, receivedAtMs }, client, reason) => {
      const place = path.join(path.dirname(file), 'quarantine');
      const kind = lstatSync(file);
      const size = kind.isFile() ? kind.size : 0;
      const facts = factsOf({ reportId: idOfName(file), receivedAtMs, size, client, reason });
      makeOwnFolder(place);
      // A folder is nobody's but an administrator's: it is only moved.
      if (!fits(place, size) && !kind.isDirectory()) {
        dropToLine(place, { ...facts, sha256: kind.isFile() ? digestOf(file, size) : null }, bounds.lineBytes);
        rmSync(file);
        return;
      }
      const target = path.join(place, freeName(place, facts.report_id));
      writeFacts(target, facts);
      renameSync(file, `${target}.fhs`);
      syncFolderNow(place);
      count(place, size);
    },
    keep: ({ place, reportId, receivedAtMs, sealed }, client, reason) => {
      const size = sealed.length;
      const facts = factsOf({ reportId, receivedAtMs, size, client, reason });
      makeOwnFolder(place);
      if (isThere(path.join(place, `${reportId}.fhs`), sealed)) return;
      if (!fits(place, size)) {
        const sha256 = createHash('sha256').update(sealed).digest('hex');
        dropToLine(place, { ...facts, sha256 }, bounds.lineBytes);
        return;
      }
      const target = path.join(place, freeName(place, reportId));
      writeFacts(target, facts);
      writeDurably({ file: `${target}.fhs`, content: sealed, mode: 0o600 });
      count(place, size);
    },
  };
}

interface Fact {
  readonly reportId: string;
  readonly receivedAtMs: number;
  readonly size: number;
  readonly client: string;
  readonly reason: QuarantineReason;
}

function factsOf({ reportId, receivedAtMs, size, client, reason }: Fact) {
  return {
    client,
    report_id: reportId,
    code: reason.code,
    message: reason.message,
    quarantined_at: new Date(reason.atMs).toISOString(),
    received_at: new Date(receivedAtMs).toISOString(),
    size_bytes: size,
  };
}

function idOfName(file: string): string {
  return path.basename(file).split('.', 1)[0] ?? '';
}

function writeFacts(target: string, facts: ReturnType<typeof factsOf>): void {
  writeDurably({ file: `${target}.json`, content: `${JSON.stringify(facts, null, 1)}\n`, mode: 0o600 });
}

function isThere(file: string, bytes: Uint8Array): boolean {
  const facts = lstatSync(file, { throwIfNoEntry: false });
  return facts !== undefined && facts.isFile() && facts.size === bytes.length && readFileSync(file).equals(bytes);
}

/** One report id may come again and again; each time is kept, within the bounds. */
function freeName(place: string, id: string): string {
  const taken = new Set(readdirSync(place));
  let name = id;
  for (let number = 2; taken.has(`${name}.fhs`); number++) name = `${id}-${number}`;
  return name;
}

/** Larger files are not read for their digest: no report is of that size. */
const largestDigested = 8 * 1024 * 1024;

function digestOf(file: string, size: number): string | null {
  return size > largestDigested ? null : createHash('sha256').update(readFileSync(file)).digest('hex');
}

function dropToLine(
  place: string,
  facts: ReturnType<typeof factsOf> & { readonly sha256: string | null },
  lineBytes: number,
): void {
  const lines = path.join(place, 'dropped.jsonl');
  const line = `${JSON.stringify(facts)}\n`;
  const before = sizeOf(lines);
  if (before > 0 && before + line.length > lineBytes) renameSync(lines, path.join(place, 'dropped.1.jsonl'));
  // Follows no link, and waits for no reader of a pipe.
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(lines, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    appendFileSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

function sizeOf(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function usageOf(place: string, beforeMs: number): Usage {
  const usage: Usage = { files: 0, bytes: 0 };
  for (const name of readdirSync(place)) {
    const file = path.join(place, name);
    // What was put in the place of a report may be a link to nowhere.
    const facts = lstatSync(file, { throwIfNoEntry: false });
    if (facts === undefined) continue;
    // A rename leaves mtime as it was; the time in quarantine is what counts.
    if (Math.max(facts.mtimeMs, facts.ctimeMs) < beforeMs) rmSync(file, { recursive: true, force: true });
    else if (name.endsWith('.fhs')) {
      usage.files += 1;
      usage.bytes += facts.isFile() ? facts.size : 0;
    }
  }
  return usage;
}
