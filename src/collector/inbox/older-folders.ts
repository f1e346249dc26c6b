/**
 * The folders of the version before, `journal/` and `events/`, whose files become documents of the inbox. Can be
 * removed in the version after this one.
 */
import path from 'node:path';

import { messageOf } from '../../platform/errors/errors.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import type { VisitRecord } from '../../storage/store/run.ts';
import {
  documentName,
  documentTime,
  filesIn,
  readDocumentFile,
  removeStored,
  writeDocumentNow,
} from './document-files.ts';
import { allowances, documentsOf } from './origins.ts';
import type { RecordDocument } from './parse-document.ts';
import { fieldsOf, parseRunEnd, parseRunStart, parseVisit } from './parse-records.ts';
import { parseStoredEvent } from './parse-stored-event.ts';
import { killedEnd } from './run-documents.ts';
import { placeAside, setAside } from './set-aside.ts';

type Paths = Pick<StatePaths, 'inbox' | 'setAside' | 'olderJournal' | 'olderEvents'>;

/**
 * Takes over the files that wait in the folders of the version before. A file that cannot be read is set aside, with a
 * line for people. Only the holder of the collector's lock may call it. Throws FleetError `spool-full`.
 */
export function takeOverJournals(paths: Paths, nowMs: number, onSetAside: (line: string) => void): void {
  const folder = documentsOf(paths, { kind: 'collector' });
  takeOver(paths.olderJournal, '.jsonl', { aside: placeAside(paths, folder), onSetAside }, (bytes, name) => {
    const { documents, strange } = documentsOfJournal(bytes, nowMs);
    for (const [part, document] of documents.entries()) {
      const [id = ''] = name.slice('000000000000000-'.length).split('.jsonl', 1);
      writeDocumentNow(folder, documentName(documentTime(name), id.replace('.again', ''), part), document);
    }
    return strange === 0;
  });
}

/** Takes over the events of the version before, as takeOverJournals does. Their order stays. */
export function takeOverEvents(paths: Paths, onSetAside: (line: string) => void): void {
  const folder = documentsOf(paths, { kind: 'events' });
  takeOver(paths.olderEvents, '.json', { aside: placeAside(paths, folder), onSetAside }, (bytes, name) => {
    const values: unknown = JSON.parse(bytes.toString());
    const events = Array.isArray(values) ? (values as unknown[]).flatMap((value) => parseStoredEvent(value) ?? []) : [];
    if (events.length > 0) writeDocumentNow(folder, name, { events });
    return Array.isArray(values) && events.length === values.length;
  });
}

interface Target {
  /** The folder for files that cannot be read. */
  readonly aside: string;
  readonly onSetAside: (line: string) => void;
}

function takeOver(
  older: string,
  suffix: string,
  { aside, onSetAside }: Target,
  convert: (bytes: Buffer, name: string) => boolean,
): void {
  for (const name of filesIn(older, suffix)) {
    const file = path.join(older, name);
    const failure = convertFile(file, (bytes) => convert(bytes, name));
    if (failure === null) {
      removeStored(file);
      continue;
    }
    const target = setAside(file, aside);
    onSetAside(`${target}: some of its records cannot be read (${failure}); all others are taken over.`);
  }
}

/**
 * Converts a file. Returns the reason why some of it cannot be read; null if all can. Throws FleetError `spool-full`.
 */
function convertFile(file: string, convert: (bytes: Buffer) => boolean): string | null {
  let bytes: Buffer;
  try {
    bytes = readDocumentFile(file, allowances.collector.maxDocumentBytes);
  } catch (thrown) {
    return messageOf(thrown);
  }
  try {
    return convert(bytes) ? null : 'records of another form';
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return 'it is no JSON';
    throw thrown;
  }
}

const visitsTogether = 1000;

/**
 * Returns the documents for the lines of a journal, and the number of records of another form. Omits a cut-off line.
 */
function documentsOfJournal(bytes: Buffer, nowMs: number) {
  const documents: Partial<RecordDocument>[] = [];
  const visits: VisitRecord[] = [];
  let strange = 0;
  let start = null as ReturnType<typeof parseRunStart>;
  let end = null as ReturnType<typeof parseRunEnd>;
  for (const text of bytes.toString().split('\n')) {
    const line = fieldsOf(parsed(text));
    const begun = parseRunStart(line['start']);
    const ended = parseRunEnd(line['end']);
    if (line['kind'] === 'visits' && Array.isArray(line['visits'])) {
      const given = line['visits'] as readonly unknown[];
      const good = given.flatMap((visit) => parseVisit(visit) ?? []);
      for (const visit of good) visits.push(visit);
      strange += given.length - good.length;
    } else if (line['kind'] === 'start' && begun !== null) start = begun;
    else if (line['kind'] === 'end' && ended !== null) end = ended;
    else if (line['kind'] === 'forwarded' && begun !== null && ended !== null) {
      documents.push({ run: { start: begun, end: { ...ended, id: begun.id } } });
    } else if (Object.keys(line).length > 0) strange += 1;
  }
  if (start !== null) {
    const ofRun = end === null ? killedEnd(start, visits, nowMs) : { ...end, id: start.id };
    documents.push({ run: { start, end: ofRun } });
  }
  for (let at = 0; at < visits.length; at += visitsTogether) {
    // At a site that forwards, visits count with the start of their run alone.
    const run = start === null ? null : { start, end: null };
    documents.push({ run, visits: visits.slice(at, at + visitsTogether) });
  }
  return { documents, strange };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
