import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

import { makeOwnFolder } from '../make-folder.ts';
import type { ErrorCode } from '../errors.ts';
import { syncFolder, writeDurably } from './durable-file.ts';
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
  /** Moves a file there. Throws what fs throws; then the file is where it was. */
  add(report: SpooledReport, client: string, reason: QuarantineReason): void;
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
  readonly bounds: QuarantineBounds;
  readonly nowMs: number;
  /** What has been in quarantine for longer is deleted. */
  readonly keepMs: number;
}

/** Counts what is in quarantine already, and deletes the oldest of it. Throws what fs throws. */
export function openQuarantine({ places, bounds, nowMs, keepMs }: QuarantineOptions): Quarantine {
  const total: Usage = { files: 0, bytes: 0 };
  const perFolder = new Map<string, Usage>();
  for (const place of places) {
    const usage = usageOf(place, nowMs - keepMs);
    perFolder.set(place, usage);
    total.files += usage.files;
    total.bytes += usage.bytes;
  }

  return {
    add: (report, client, reason) => {
      const place = path.join(path.dirname(report.file), 'quarantine');
      const usage = perFolder.get(place) ?? { files: 0, bytes: 0 };
      const size = statSync(report.file).size;
      const fits =
        usage.files < bounds.filesPerClient &&
        usage.bytes + size <= bounds.bytesPerClient &&
        total.files < bounds.files &&
        total.bytes + size <= bounds.bytes;
      const facts = { client, ...factsOf(report, size, reason) };
      makeOwnFolder(place);
      if (!fits) {
        dropToLine(place, report.file, facts, bounds.lineBytes);
        return;
      }
      const target = path.join(place, freeName(place, facts.report_id));
      writeDurably({ file: `${target}.json`, content: `${JSON.stringify(facts, null, 1)}\n`, mode: 0o600 });
      renameSync(report.file, `${target}.fhs`);
      syncFolder(place);
      perFolder.set(place, { files: usage.files + 1, bytes: usage.bytes + size });
      total.files += 1;
      total.bytes += size;
    },
  };
}

function factsOf(report: SpooledReport, size: number, reason: QuarantineReason) {
  return {
    report_id: path.basename(report.file).split('.', 1)[0] ?? '',
    code: reason.code,
    message: reason.message,
    quarantined_at: new Date(reason.atMs).toISOString(),
    received_at: new Date(report.receivedAtMs).toISOString(),
    size_bytes: size,
  };
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

function dropToLine(place: string, file: string, facts: ReturnType<typeof factsOf>, lineBytes: number): void {
  const digest =
    facts.size_bytes > largestDigested ? null : createHash('sha256').update(readFileSync(file)).digest('hex');
  const lines = path.join(place, 'dropped.jsonl');
  const line = `${JSON.stringify({ ...facts, sha256: digest })}\n`;
  const before = sizeOf(lines);
  if (before > 0 && before + line.length > lineBytes) renameSync(lines, path.join(place, 'dropped.1.jsonl'));
  appendFileSync(lines, line, { mode: 0o600 });
  rmSync(file);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

function usageOf(place: string, beforeMs: number): Usage {
  const usage: Usage = { files: 0, bytes: 0 };
  for (const name of readdirSync(place)) {
    const file = path.join(place, name);
    const { size, mtimeMs, ctimeMs } = statSync(file);
    // A rename leaves mtime as it was; the time in quarantine is what counts.
    if (Math.max(mtimeMs, ctimeMs) < beforeMs) rmSync(file, { force: true });
    else if (name.endsWith('.fhs')) {
      usage.files += 1;
      usage.bytes += size;
    }
  }
  return usage;
}
