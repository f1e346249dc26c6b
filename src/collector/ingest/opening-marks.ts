import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { array, integer, number, object, pipe, record, string, type InferOutput } from 'valibot';

import { parseJson } from '../../platform/parse-json.ts';
import { writeSynced } from '../../state-folder/durable-file.ts';
import { readDocumentFile } from '../inbox/document-files.ts';

/**
 * The reports whose opening may have ended a run. Their names are on the disk before they are opened, so that the next
 * run does not open a report first that kills the process.
 */
export type OpeningMarks = ReturnType<typeof openMarks>;

const marksForm = object({
  open: array(string()),
  /** The number of runs that died while this report alone was open, by name; 0 if others were open too. */
  deaths: record(string(), pipe(number(), integer())),
});
type Marks = InferOutput<typeof marksForm>;

export const deadlyMessage = 'two runs ended while this report alone was opened and stored';
const deadlyDeaths = 2;
const largestBytes = 4 * 1024 * 1024;

/** Reads the marks of the run before. Only the holder of the program's lock may call it. */
export function openMarks(file: string) {
  const { open, deaths: before } = readMarks(file);
  const deaths = new Map(Object.entries(before));
  for (const name of open) deaths.set(name, (deaths.get(name) ?? 0) + (open.length === 1 ? 1 : 0));
  const deadly = new Set([...deaths].flatMap(([name, count]) => (count >= deadlyDeaths ? [name] : [])));
  for (const name of deadly) deaths.delete(name);
  const marksText = (names: readonly string[]): string =>
    names.length + deaths.size === 0 ? '' : JSON.stringify({ open: names, deaths: Object.fromEntries(deaths) });
  let written = open.length + deadly.size > 0;
  return {
    /**
     * Returns the number of runs that died with this report alone; 0 if only with others; null if none died while it
     * was open.
     */
    deathsOf: (name: string): number | null => deaths.get(name) ?? null,
    /** True if two runs died while this report alone was open. */
    isDeadly: (name: string): boolean => deadly.has(name),
    /** Resolves once these names would survive a power loss. Ignores a disk that cannot store the marks. */
    begin: async (names: readonly string[]): Promise<void> => {
      if (names.length === 0) return;
      written = true;
      // Storing reports in the database matters most when this disk is full.
      await writeSynced(path.dirname(file), path.basename(file), marksText(names)).catch(() => undefined);
      // A report that is opened alone without the death of its run is no longer a suspect.
      if (names.length === 1) for (const name of names) deaths.delete(name);
    },
    /** Removes the names: the reports have been opened, or will not be. */
    end: (): void => {
      if (!written) return;
      written = false;
      try {
        writeFileSync(file, marksText([]), { mode: 0o600 });
      } catch {
        // The named reports are no longer in the spool, or were opened.
      }
    },
  };
}

function readMarks(file: string): Marks {
  try {
    return parseJson(marksForm, readDocumentFile(file, largestBytes)) ?? noneRead;
  } catch {
    return noneRead;
  }
}

const noneRead: Marks = { open: [], deaths: {} };
