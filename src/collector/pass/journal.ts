import { rmSync } from 'node:fs';

import { makeFolder } from '../../state/make-folder.ts';
import { FleetError, messageOf } from '../../errors.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { appendDurably, syncFolderNow, writeSynced } from '../../state/durable-file.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import { forwardedName, journalName, journalPath, type JournalLine } from './journal-files.ts';

export type JournalFile = ReturnType<typeof journalOf>;

/**
 * Returns journal/<started at>-<run id>.jsonl: the records of a run that the database does not have yet. Its start,
 * visits and end, one JSON object a line. The file is created at the start of every run and deleted once the database
 * has the end, so that a killed run leaves a record.
 */
export function journalOf(dir: string, start: RunStart) {
  const file = journalPath(dir, start.startedAtMs, start.id);
  let begun = false;
  // A line that a full disk cut off must not damage the next line.
  let cutOff = '';
  const append = (line: JournalLine): void => {
    try {
      makeFolder(dir);
      const text = `${cutOff}${JSON.stringify(line)}\n`;
      cutOff = '\n';
      appendDurably(file, text);
      cutOff = '';
      if (!begun) syncFolderNow(dir);
    } catch (thrown) {
      throw journalFault(dir, thrown);
    }
  };
  return {
    /** Creates the file. Like the other records, survives a power loss and throws FleetError `spool-full`. */
    begin: (): void => {
      append({ kind: 'start', start });
      begun = true;
    },
    visits: (visits: readonly VisitRecord[]): void => append({ kind: 'visits', visits }),
    end: (end: RunEnd): void => append({ kind: 'end', end }),
    /** Removes the file: the database has all records. */
    remove: (): void => {
      if (begun) rmSync(file, { force: true });
    },
  };
}

/**
 * Writes journal/<started at>-<run id>.jsonl: a visit without a run, because the client began it. The next run stores
 * it. Throws FleetError `spool-full`.
 */
export async function keepPushedVisit(dir: string, visit: VisitRecord): Promise<void> {
  const line: JournalLine = { kind: 'visits', visits: [visit] };
  try {
    makeFolder(dir);
    await writeSynced(dir, journalName(visit.startedAtMs, visit.runId), `${JSON.stringify(line)}\n`);
  } catch (thrown) {
    throw journalFault(dir, thrown);
  }
}

function journalFault(dir: string, thrown: unknown): FleetError {
  return new FleetError({ code: 'spool-full', stage: 'spool', message: `${dir}: ${messageOf(thrown)}`, cause: thrown });
}

export interface ForwardedRecords {
  readonly dir: string;
  /** The id of the site. */
  readonly site: string;
  /** The time of the newest record by the clock of the site. It stays the same if the record is sent again. */
  readonly newestMs: number;
  readonly id: string;
  readonly lines: readonly JournalLine[];
}

/**
 * Writes journal/<newest>-<site>.<id>.jsonl: the records that the collector of a site has forwarded. The same records
 * replace the file. Returns its size in bytes. Throws errors of fs.
 */
export async function keepForwarded({ dir, site, newestMs, id, lines }: ForwardedRecords): Promise<number> {
  makeFolder(dir);
  const content = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await writeSynced(dir, forwardedName(newestMs, site, id), content);
  return content.length;
}
