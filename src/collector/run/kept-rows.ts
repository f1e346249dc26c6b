/** The rows that the database must have of the files in stored/. */
import path from 'node:path';

import type { Config } from '../../config/config.ts';
import { readHeader } from '../../report/seal/sealed-message.ts';
import { clientOfFolder } from '../../state-folder/client-folder.ts';
import type { PresentIds, StoredIds } from '../../storage/store/storage.ts';
import { admitDocument } from '../inbox/admit-document.ts';
import { documentTime, readDocumentFile } from '../inbox/document-files.ts';
import { allowances, clientsOfSites, type Origin } from '../inbox/origins.ts';
import { readStoredVisit } from '../inbox/parse-records.ts';
import type { StoredFile } from '../inbox/stored-files.ts';
import type { ClientNames } from '../sealed-reports/client-names.ts';
import { parseSealedName } from '../sealed-reports/sealed-names.ts';
import { readSealed } from '../sealed-reports/sealed-spool.ts';

/** A row, with the time by which it is pruned. */
interface KeptRow {
  readonly id: string;
  readonly atMs: number;
}

export interface KeptVisit extends KeptRow {
  /** The client's present name; null if the document was not read. Then the row of any client counts. */
  readonly client: string | null;
  /** The client's name in the document. */
  readonly name: string;
}

/** The rows of a file. The ids of visits are those of their runs. */
export interface KeptRows {
  readonly report: KeptRow | null;
  readonly run: (KeptRow & { readonly isEnded: boolean }) | null;
  readonly visits: readonly KeptVisit[];
  readonly events: readonly KeptRow[];
}

export interface Kept extends StoredFile {
  readonly rows: KeptRows;
  /** The time of the report or document. */
  readonly atMs: number;
}

const noRows: KeptRows = { report: null, run: null, visits: [], events: [] };

export interface ReadKeptOptions {
  readonly config: Pick<Config, 'clients' | 'retention'>;
  readonly names: Pick<ClientNames, 'ownerOf'>;
  readonly nowMs: number;
  /** True to read documents whose name says enough. */
  readonly isWhole?: boolean;
}

/** Reads which rows a file holds. A file that cannot be read, or holds none, has no rows. */
export function readKept(stored: StoredFile, options: ReadKeptOptions): Kept {
  try {
    return stored.from.endsWith('.fhs') ? keptReport(stored) : keptDocument(stored, options);
  } catch {
    return { ...stored, rows: noRows, atMs: 0 };
  }
}

function keptReport(stored: StoredFile): Kept {
  const named = parseSealedName(stored.from.slice(stored.from.lastIndexOf('/') + 1));
  const id = named?.reportId ?? readHeader(readSealed(stored.file)).reportId;
  const atMs = named?.receivedAtMs ?? 0;
  return { ...stored, rows: { ...noRows, report: { id, atMs } }, atMs };
}

/** The position of the run's id in the name of a document, and its length. */
const runAt = 16;
const idChars = 36;

function keptDocument(stored: StoredFile, { config, names, nowMs, isWhole = false }: ReadKeptOptions): Kept {
  const name = path.basename(stored.from);
  const atMs = documentTime(name);
  if (stored.isVisit && !isWhole) {
    const visit = { id: name.slice(runAt, runAt + idChars), atMs, client: null, name: '' };
    return { ...stored, rows: { ...noRows, visits: [visit] }, atMs };
  }
  const [, folder = ''] = stored.from.split('/');
  const origin: Origin['kind'] = folder === 'events' ? 'events' : folder === 'collector' ? 'collector' : 'site';
  const content = readDocumentFile(stored.file, allowances[origin].maxDocumentBytes);
  const site = clientsOfSites(config.clients).get(folder) ?? null;
  const context = { site, retentionMs: config.retention.rawMs, nowMs };
  const { run, visits, events } = admitDocument(origin, content, context, readStoredVisit);
  const isStored = run !== null && (run.end !== null || origin === 'site');
  const rows: KeptRows = {
    report: null,
    run: isStored ? { id: run.start.id, atMs: run.start.startedAtMs, isEnded: run.end !== null } : null,
    visits: visits.map(({ runId: id, client, startedAtMs }) => {
      return { id, client: names.ownerOf(client).client, name: client, atMs: startedAtMs };
    }),
    events: events.map(({ eventId: id, receivedAtMs }) => ({ id, atMs: receivedAtMs })),
  };
  return { ...stored, rows, atMs };
}

/** Returns the client of a report by its folder, or by its header if the folder's name is a hash. */
export function clientOfReport({ file, from }: StoredFile): string {
  return clientOfFolder(path.basename(path.dirname(from))) ?? readHeader(readSealed(file)).client;
}

/** Returns the ids of all rows of files. */
export function idsOf(files: readonly Kept[]): StoredIds {
  const rows = files.map((one) => one.rows);
  return {
    reports: new Set(rows.flatMap(({ report }) => report?.id ?? [])),
    runs: new Set(rows.flatMap(({ run }) => run?.id ?? [])),
    runsOfVisits: new Set(rows.flatMap(({ visits }) => visits.map(({ id }) => id))),
    events: new Set(rows.flatMap(({ events }) => events.map(({ id }) => id))),
  };
}

/** Returns the rows of a file that the database does not have. */
export function missingRows({ rows }: Kept, present: PresentIds): KeptRows {
  const { report, run, visits, events } = rows;
  // Most files are reports, and nearly all of them are there.
  if (report !== null) return present.reports.has(report.id) ? noRows : rows;
  const ended = run === null ? undefined : present.runs.get(run.id);
  const isThere = ({ id, client, name }: KeptVisit): boolean => {
    const clients = present.visits.get(id);
    return clients !== undefined && (client === null || clients.has(client) || clients.has(name));
  };
  return {
    report: null,
    run: ended === undefined || (run?.isEnded === true && !ended) ? run : null,
    visits: visits.filter((visit) => !isThere(visit)),
    // Some databases ignore spaces at the end of a text.
    events: events.filter(({ id }) => !present.events.has(id) && !present.events.has(id.trimEnd())),
  };
}

/** Returns the number of rows. */
export function countRows({ report, run, visits, events }: KeptRows): number {
  return Number(report !== null) + Number(run !== null) + visits.length + events.length;
}
