import path from 'node:path';

import type { RunEnd, RunStart, VisitRecord } from '../../storage/store/run.ts';
import {
  documentName,
  plainFilesIn,
  readDocumentFile,
  removeStored,
  writeDocument,
  writeDocumentNow,
} from './document-files.ts';
import { allowances } from './origins.ts';
import { parseDocument } from './parse-document.ts';

export type RunDocuments = ReturnType<typeof runDocuments>;

/** The mark of the document of a run that has not ended. The name is hidden: nobody takes the document. */
const openMark = '.open';
const openName = (name: string): string => `.${name}${openMark}`;

/**
 * Returns the documents of a run, which are written before the database has their records. The first one is written at
 * the start of every run and deleted at its end, so that a killed run leaves a record. All throw FleetError
 * `spool-full`.
 */
export function runDocuments(folder: string, start: RunStart) {
  const name = documentName(start.startedAtMs, start.id);
  const opened = openName(name);
  let parts = 0;
  let isOpen = false;
  const close = (): void => {
    if (isOpen) removeStored(path.join(folder, opened));
  };
  return {
    /** Records the start. Like the other records, survives a power loss. */
    begin: (): void => {
      writeDocumentNow(folder, opened, { run: { start, end: null } });
      isOpen = true;
    },
    /** Returns the path of the document. Does not block, because other visits go on. */
    visits: async (visits: readonly VisitRecord[]): Promise<string> => {
      parts += 1;
      const part = documentName(start.startedAtMs, start.id, parts);
      await writeDocument(folder, part, { run: { start, end: null }, visits });
      return path.join(folder, part);
    },
    /** Returns the path of the document. */
    end: (end: RunEnd): string => {
      writeDocumentNow(folder, name, { run: { start, end } });
      close();
      return path.join(folder, name);
    },
    /** Removes the first document. */
    close,
  };
}

/** Writes the document of a visit without a run, because the client began it. Throws FleetError `spool-full`. */
export async function keepPushedVisit(folder: string, visit: VisitRecord): Promise<void> {
  await writeDocument(folder, documentName(visit.startedAtMs, visit.runId), { visits: [visit] });
}

/**
 * Ends the documents of runs that were killed, or whose machine went down. Only the holder of the collector's lock may
 * call it, before its own run begins. Throws FleetError `state-unusable` or `spool-full`.
 */
export function endKilledRuns(folder: string, nowMs: number): void {
  // Any number of pushed visits may wait there.
  const openedOnes = plainFilesIn(folder, (name) => name.startsWith('.') && name.endsWith(openMark));
  if (openedOnes.length === 0) return;
  const names = plainFilesIn(folder);
  for (const opened of openedOnes) {
    const name = opened.slice(1, -openMark.length);
    const begun = read(path.join(folder, opened))?.run?.start;
    if (begun !== undefined && !names.includes(name)) {
      const own = names.filter((one) => one.startsWith(`${name.slice(0, -'.json'.length)}.`) && one !== name);
      const visits = own.flatMap((one) => read(path.join(folder, one))?.visits ?? []);
      writeDocumentNow(folder, name, { run: { start: begun, end: killedEnd(begun, visits, nowMs) } });
    }
    removeStored(path.join(folder, opened));
  }
}

function read(file: string): ReturnType<typeof parseDocument> | null {
  try {
    return parseDocument(readDocumentFile(file, allowances.collector.maxDocumentBytes));
  } catch {
    return null;
  }
}

/** Returns the end of a run that has written none. */
export function killedEnd(start: RunStart, visits: readonly VisitRecord[], nowMs: number): RunEnd {
  const lastMs = visits.reduce((last, { startedAtMs, durationMs }) => Math.max(last, startedAtMs + durationMs), 0);
  const succeeded = visits.filter((visit) => visit.ok).length;
  return {
    id: start.id,
    outcome: 'failed',
    finishedAtMs: Math.min(nowMs, Math.max(start.startedAtMs, lastMs)),
    clients: visits.length,
    succeeded,
    failed: visits.length - succeeded,
    skipped: 0,
    cpuMs: 0,
    maxRssBytes: 0,
  };
}
