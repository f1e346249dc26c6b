/**
 * The spool of sealed reports that are not acknowledged yet, one in a file: `<milliseconds since 1970>-<report
 * id>.fhs`. The spool is bounded: the oldest reports are removed first.
 */
import { lstatSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

import { readHeader } from '../../src/report/seal/sealed-message.ts';
import { listPrivateFiles, readPrivateFile, removeFile, writePrivateFile } from '../start/private-file.ts';

export interface SpoolLimits {
  readonly maxReports: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/**
 * The bounds of the spool: ten days of reports that the client's crontab makes every five minutes (spool-script.ts).
 */
export const spoolLimits: SpoolLimits = { maxReports: 3000, maxBytes: 8 * 1024 * 1024, maxAgeMs: 30 * 86_400_000 };

export interface SpooledReport {
  readonly path: string;
  /** The report id, a UUID in lower case. */
  readonly id: string;
  readonly timeMs: number;
  readonly sizeBytes: number;
}

/**
 * The most files that one run inspects. Each run removes the files beyond the bounds, so that the next run sees others.
 */
const maxListed = 5000;

const namePattern = /^(\d{13})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.fhs$/;
/** The most that counts of the gap between two reports, so that a clock that jumps by years makes no report old. */
const longestGapMs = 86_400_000;

/**
 * Returns the spooled reports in these folders, the oldest first. Returns only the newest ones if there are more files
 * than any agent leaves there.
 */
export function listSpool(dirs: readonly string[]): SpooledReport[] {
  const named: Omit<SpooledReport, 'sizeBytes'>[] = [];
  for (const dir of dirs) {
    for (const name of listPrivateFiles(dir)) {
      const [, time, id] = namePattern.exec(name) ?? [];
      if (time !== undefined && id !== undefined) named.push({ path: `${dir}/${name}`, id, timeMs: Number(time) });
    }
  }
  named.sort((a, b) => a.timeMs - b.timeMs);
  return named.slice(-maxListed).flatMap((report) => {
    const status = lstatSync(report.path, { throwIfNoEntry: false });
    if (status?.isFile() !== true || status.uid !== process.getuid?.()) return [];
    return [{ ...report, sizeBytes: status.size }];
  });
}

/** Removes the oldest reports until one more fits. Returns the others, and the number of removed ones. */
export function trimSpool(
  reports: readonly SpooledReport[],
  limits: SpoolLimits,
  nowMs: number,
): { readonly kept: readonly SpooledReport[]; readonly dropped: number } {
  const kept: SpooledReport[] = [];
  let bytes = 0;
  let ageMs = 0;
  let laterMs = nowMs;
  let full = false;
  for (const report of [...reports].reverse()) {
    bytes += report.sizeBytes;
    ageMs += Math.min(longestGapMs, Math.max(0, laterMs - report.timeMs));
    laterMs = report.timeMs;
    full ||= kept.length + 1 >= limits.maxReports || bytes > limits.maxBytes || ageMs > limits.maxAgeMs;
    if (full) removeFile(report.path);
    else kept.unshift(report);
  }
  return { kept, dropped: reports.length - kept.length };
}

/** Writes a sealed report so that it outlasts a loss of power. Throws if the disk does not take it. */
export function writeSpool(dir: string, id: string, timeMs: number, sealed: Uint8Array): SpooledReport {
  const name = `${String(timeMs).padStart(13, '0')}-${id}.fhs`;
  writePrivateFile(dir, name, sealed, true);
  return { path: `${dir}/${name}`, id, timeMs, sizeBytes: sealed.length };
}

/** The file of a damaged report. */
const damagedName = 'damaged-report';

/** The start of a report that an agent of another version has sealed. Such a report is not damaged. */
const otherVersion = /^FHS[^1]/;

/**
 * Returns the bytes of a spooled report, or null if they cannot be read or are sealed in another version. If the file
 * is not a report of this id and one of these clients, sets the file aside, in place of an earlier one, and returns
 * `dropped`: no collector would ever acknowledge the report. Removes a file that is empty or too long.
 */
export function readSpooled(
  report: SpooledReport,
  clients: readonly string[],
  maxBytes: number,
): Buffer | 'dropped' | null {
  const sealed = readPrivateFile(report.path, maxBytes);
  if (sealed !== null && isOurs(sealed, report.id, clients)) return sealed;
  if (sealed !== null && otherVersion.test(sealed.toString('latin1', 0, 4))) return null;
  if (sealed !== null) return isSetAside(report.path) ? 'dropped' : null;
  const isUseless = report.sizeBytes < 1 || report.sizeBytes > maxBytes;
  return isUseless && removeFile(report.path) ? 'dropped' : null;
}

/** Keeps a damaged report for people, the newest one of its folder. Returns false if the disk is read-only. */
function isSetAside(path: string): boolean {
  try {
    renameSync(path, `${dirname(path)}/${damagedName}`);
    return true;
  } catch {
    return false;
  }
}

function isOurs(sealed: Uint8Array, id: string, clients: readonly string[]): boolean {
  try {
    const { reportId, client } = readHeader(sealed);
    return reportId === id && clients.includes(client);
  } catch {
    return false;
  }
}
