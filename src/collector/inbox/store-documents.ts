import path from 'node:path';

import { append, groupBy, least } from '../../platform/group-by.ts';
import type { Config } from '../../config/config.ts';
import { errnoOf, messageOf } from '../../platform/errors/errors.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { storeEach, type Unstorable } from '../../storage/sql/store-each.ts';
import type { EventStore } from '../../storage/store/event-store.ts';
import type { RunStart } from '../../storage/store/run.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import { admitDocument, type Admitted } from './admit-document.ts';
import {
  boundDocuments,
  documentsIn,
  documentsOfSite,
  hasFailed,
  isNamedAsDocument,
  marked,
  readDocumentFile,
  removeStored,
  renameDocument,
  sizeOf,
} from './document-files.ts';
import {
  allowances,
  clientsOfSites,
  documentsFolder,
  documentsOf,
  inTurns,
  maxRunBytes,
  maxSiteDocuments,
  siteFolders,
  type Origin,
} from './origins.ts';
import { placeAside, setAside } from './set-aside.ts';
import type { Keep } from './stored-files.ts';

export interface DocumentStores {
  readonly reports: Pick<ReportStore, 'saveRuns' | 'runsOf' | 'saveVisits'>;
  readonly events: Pick<EventStore, 'saveEvents'>;
}

export interface StoredDocuments {
  /** The number of runs of this collector, and of their visits. */
  readonly runs: number;
  readonly visits: number;
  /** The number of records that cannot be stored: the database refuses them, or they are none. */
  readonly refused: number;
  /** The number of records that their origin may not bring, by the name of its folder. */
  readonly foreign: ReadonlyMap<string, number>;
  /** The number of documents that were deleted because the folder grew beyond its bound. */
  readonly dropped: number;
  /** The number of documents for which there was no time. */
  readonly left: number;
}

export interface StoreDocumentsOptions {
  readonly paths: Pick<StatePaths, 'inbox' | 'setAside'>;
  readonly stores: DocumentStores;
  readonly config: Pick<Config, 'clients' | 'collector' | 'retention'>;
  readonly nowMs: number;
  /** The time after which no further batch begins. Default: no limit. */
  readonly timeMs?: number;
  /** The id of the present run, whose documents are left alone. */
  readonly own?: string;
  /** False to leave documents to the next run of which an earlier attempt could not store a record. Default: true. */
  readonly tryAgain?: boolean;
  /** Takes the documents whose records are stored. Default: removes them. */
  readonly keep?: Keep;
  /** Called with a line for people about a document that failed twice and was set aside. */
  readonly onSetAside?: (message: string) => void;
}

/** A document that waits, and the folder of its origin. */
interface Waiting {
  readonly origin: Origin['kind'];
  /** The name of the folder in the inbox. */
  readonly folder: string;
  readonly file: string;
}

/**
 * Stores the documents that wait in the inbox, and hands them over: the newest run of each site, then events, then the
 * documents of this collector, then those of the sites in turns, each oldest first. A record that cannot be stored
 * costs no other record: its document is tried once more in another run, and then set aside. Only the holder of the
 * collector's lock may call it. Throws faults of the database; the remaining documents stay.
 */
export async function storeDocuments(options: StoreDocumentsOptions): Promise<StoredDocuments> {
  const { paths, config, timeMs = Infinity, own = '', tryAgain = true } = options;
  const { inbox } = paths;
  const endsAt = performance.now() + timeMs;
  const ownFolder = documentsOf(paths, { kind: 'collector' });
  const { kept, dropped } = boundDocuments(ownFolder, allowances.collector.maxBytes);
  const known = clientsOfSites(config.clients);
  const sites = siteFolders(inbox).map((folder) => ofSite(inbox, folder, known.get(folder)?.clients.size ?? 0));
  const files = [
    ...sites.flatMap(({ newest }) => newest),
    ...waitingEvents(inbox),
    ...kept.map((file): Waiting => ({ origin: 'collector', folder: documentsFolder, file })),
    ...inTurns(sites.map(({ others }) => others)),
  ].filter(({ file }) => (own === '' || !file.includes(own)) && (tryAgain || !hasFailed(file)));
  const storing = new DocumentStoring(options);
  const left = await storing.store(files, endsAt);
  const { counts, foreign } = storing;
  return { ...counts, foreign, dropped, left };
}

/** Stores the events that wait, as storeDocuments does. Another process may store them at the same time. */
export async function storeEvents(
  options: Pick<StoreDocumentsOptions, 'paths' | 'onSetAside' | 'keep'> & { readonly events: DocumentStores['events'] },
): Promise<void> {
  const { events, ...others } = options;
  const storing = new DocumentStoring({ stores: { events }, ...others });
  await storing.store(waitingEvents(options.paths.inbox), Infinity);
}

function waitingEvents(inbox: string): readonly Waiting[] {
  const files = documentsIn(documentsOf({ inbox }, { kind: 'events' }));
  return files.map((file) => ({ origin: 'events', folder: 'events', file }));
}

interface OfSite {
  /** The documents of the newest run. */
  readonly newest: readonly Waiting[];
  readonly others: readonly Waiting[];
}

/** The characters of a document's name that all documents of one run share. */
const runChars = 15 + 1 + 36;

/** The most names that are read of a site's documents, of which it may bring fewer. */
const maxNames = 2 * maxSiteDocuments;
/** The files of other names of one site that a run sets aside. */
const maxStrange = 20;

/** Returns the documents of a site with so many clients, as many as one run stores. */
function ofSite(inbox: string, folder: string, clients: number): OfSite {
  const { maxDocuments, maxDocumentBytes } = allowances.site;
  const maxBytes = maxRunBytes(clients);
  // A larger file is no document, and is set aside without being read.
  const bytesRead = (size: number): number => (size > maxDocumentBytes ? 0 : size);
  let strange = 0;
  const files = documentsOfSite(path.join(inbox, folder, documentsFolder), maxNames).filter(
    // Few of other names are set aside, which costs more than to store one.
    (file) => isNamedAsDocument(file) || ++strange <= maxStrange,
  );
  const runOf = (file: string): string => path.basename(file).slice(0, runChars);
  const last = runOf(files.findLast((file) => isNamedAsDocument(file)) ?? '');
  const isNewest = (file: string): boolean => runOf(file) === last;
  let bytes = 0;
  const taken = [...files.filter(isNewest), ...files.filter((file) => !isNewest(file))]
    .slice(0, maxDocuments)
    .filter((file) => (bytes += bytesRead(sizeOf(file))) <= maxBytes)
    .map((file): Waiting => ({ origin: 'site', folder, file }));
  return {
    newest: taken.filter(({ file }) => isNewest(file)),
    others: taken.filter(({ file }) => !isNewest(file)),
  };
}

/** The most documents that are stored together, and the most of their records. */
const maxTogether = 200;
const maxRecords = 2000;

type OptionalOptions = Partial<Pick<StoreDocumentsOptions, 'config' | 'nowMs' | 'onSetAside' | 'keep'>>;

interface StoringOptions extends OptionalOptions, Pick<StoreDocumentsOptions, 'paths'> {
  /** Without a store of reports the documents hold events alone. */
  readonly stores: Pick<DocumentStores, 'events'> & Partial<DocumentStores>;
}

interface OpenDocument extends Admitted, Waiting {
  readonly bytes: number;
}

class DocumentStoring {
  readonly #options: StoringOptions;
  #open: OpenDocument[] = [];
  #records = 0;
  /** The line for people about the first document of each folder that was set aside, and the number of the others. */
  readonly #noted = new Map<string, { readonly line: string; others: number }>();
  /** The runs of each site in the database and of this call, by the sites' folders. */
  readonly #runs = new Map<string, IntervalRuns>();
  readonly counts = { runs: 0, visits: 0, refused: 0 };
  readonly foreign = new Map<string, number>();

  constructor(options: StoringOptions) {
    this.#options = options;
  }

  /** Stores documents until a time. Returns the number of documents that are left. */
  async store(files: readonly Waiting[], endsAt: number): Promise<number> {
    let left = 0;
    for (const [index, waiting] of files.entries()) {
      if (performance.now() >= endsAt) {
        left = files.length - index;
        break;
      }
      this.#read(waiting);
      if (this.#open.length >= maxTogether || this.#records >= maxRecords) await this.#storeOpen();
    }
    await this.#storeOpen();
    for (const { line, others } of this.#noted.values()) {
      const more = others === 0 ? '' : ` ${counted(others, 'other document')} of this folder went there too.`;
      this.#options.onSetAside?.(`${line}${more}`);
    }
    return left;
  }

  #read(waiting: Waiting): void {
    const { config, nowMs = 0 } = this.#options;
    const { origin, folder, file } = waiting;
    try {
      if (origin === 'site' && !isNamedAsDocument(file)) {
        const target = setAside(file, placeAside(this.#options.paths, path.dirname(file)));
        this.#note(folder, `${target}: its name is none of a document. Look at it, or delete it.`);
        return;
      }
      const content = readDocumentFile(file, allowances[origin].maxDocumentBytes);
      const admitted = admitDocument(origin, content, {
        site: config === undefined ? null : (clientsOfSites(config.clients).get(folder) ?? null),
        retentionMs: config?.retention.rawMs ?? 0,
        nowMs,
      });
      if (admitted.dropped > 0) this.#countForeign(folder, admitted.dropped);
      this.#open.push({ ...waiting, ...admitted, bytes: content.length });
      this.#records += admitted.visits.length + admitted.events.length;
    } catch (thrown) {
      if (errnoOf(thrown) !== 'ENOENT') this.#refuse(waiting, [messageOf(thrown)]);
    }
  }

  async #storeOpen(): Promise<void> {
    const { reports, events: eventStore } = this.#options.stores;
    const documents = await this.#boundRuns(this.#open);
    this.#open = [];
    this.#records = 0;
    // A run of a site is stored with its first visits, so that it counts towards the bound from then on.
    const runs = documents.flatMap(({ origin, run }) =>
      run !== null && (run.end !== null || origin === 'site') ? run : [],
    );
    const visits = documents.flatMap((one) => one.visits);
    const events = documents.flatMap((one) => one.events);
    const unstorable: Unstorable<unknown>[] = [
      ...(await storeEach(events, (some) => eventStore.saveEvents(some), maxRecords)),
    ];
    if (reports !== undefined) {
      append(unstorable, await storeEach(runs, (some) => reports.saveRuns(some)));
      append(unstorable, await storeEach(visits, (some) => reports.saveVisits(some)));
    }
    const reasons = new Map(unstorable.map(({ record, reason }) => [record, reason]));
    for (const document of documents) this.#count(document, reasons);
  }

  /** Empties documents of runs that are too many in their interval. */
  async #boundRuns(documents: readonly OpenDocument[]): Promise<readonly OpenDocument[]> {
    const { stores, config } = this.#options;
    const { reports } = stores;
    if (reports === undefined || config === undefined) return documents;
    const isBounded = ({ origin, run }: OpenDocument): boolean => run !== null && allowances[origin].maxRuns < Infinity;
    for (const [folder, ofFolder] of groupBy(documents.filter(isBounded), (one) => one.folder)) {
      const runs = this.#runs.get(folder) ?? new IntervalRuns(config.collector.everyMs, allowances.site.maxRuns);
      this.#runs.set(folder, runs);
      const starts = ofFolder.flatMap(({ run }) => run?.start ?? []);
      const collectorId = starts[0]?.collectorId ?? '';
      const oldestMs = least(starts.map(({ startedAtMs }) => startedAtMs));
      await runs.readSince(oldestMs, (sinceMs) => reports.runsOf(collectorId, sinceMs));
    }
    return documents.map((document) => {
      const { folder, run, visits } = document;
      if (run === null || this.#runs.get(folder)?.add(run.start) !== false) return document;
      this.#countForeign(folder, visits.length + 1);
      return { ...document, run: null, visits: [] };
    });
  }

  #countForeign(folder: string, records: number): void {
    this.foreign.set(folder, (this.foreign.get(folder) ?? 0) + records);
  }

  #count(document: OpenDocument, reasons: ReadonlyMap<unknown, string>): void {
    const { run, visits, events, strange, origin } = document;
    const refused = [run, ...visits, ...events].flatMap((record) => reasons.get(record) ?? []);
    if (origin === 'collector' && run !== null) {
      this.counts.runs += run.end !== null && !reasons.has(run) ? 1 : 0;
      this.counts.visits += visits.filter((visit) => !reasons.has(visit)).length;
    }
    const all = [...refused, ...Array<string>(strange).fill(strangeRecord)];
    if (all.length > 0) this.#refuse(document, all);
    else this.#inFolder(document, () => this.#handOver(document));
  }

  /** Keeps a document for the next run, or sets it aside after that. */
  #refuse(waiting: Waiting, reasons: readonly string[]): void {
    const { folder, file } = waiting;
    this.counts.refused += reasons.length;
    this.#inFolder(waiting, () => {
      if (!hasFailed(file)) renameDocument(file, path.basename(marked(file)));
      else this.#note(folder, this.#setAside(file, reasons));
    });
  }

  /** Moves or removes a document. */
  #inFolder({ folder, file }: Waiting, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      // Another process has stored the document meanwhile.
      if (errnoOf(thrown) === 'ENOENT') return;
      // A folder that nothing can be removed from. The same records are recognised in the next run.
      this.#note(folder, `${file} stays: ${messageOf(thrown)}. Make its folder writable, or move it away.`);
    }
  }

  /** Hands over a document whose records are stored. */
  #handOver({ file, run, visits, events, bytes, dropped }: OpenDocument): void {
    const { keep = removeStored } = this.#options;
    const records = (run === null ? 0 : 1) + visits.length + events.length;
    // A record that its origin may bring only once config.xml has changed is none that the database has lost.
    if (records === 0 || dropped > 0) removeStored(file);
    // The name of such a document has the id of its visit.
    else keep(file, { bytes, isVisit: records === 1 && visits.some(({ runId }) => file.includes(runId)) });
  }

  /** Moves a document to set-aside/. Returns the line for people. Throws the errors of fs. */
  #setAside(file: string, reasons: readonly string[]): string {
    const from = path.dirname(file);
    const target = setAside(file, placeAside(this.#options.paths, from));
    const [reason = ''] = reasons;
    const what = `two runs could not store ${counted(reasons.length, 'record')} of it (${reason})`;
    return `${target}: ${what}. All others are stored. To try again, move it to ${from}; otherwise delete it.`;
  }

  #note(folder: string, line: string): void {
    const noted = this.#noted.get(folder);
    if (noted === undefined) this.#noted.set(folder, { line, others: 0 });
    else noted.others += 1;
  }
}

/** The runs of a site by the intervals in which they began. */
class IntervalRuns {
  readonly #everyMs: number;
  readonly #max: number;
  readonly #ids = new Set<string>();
  readonly #counts = new Map<number, number>();
  #sinceMs = Infinity;

  constructor(everyMs: number, max: number) {
    this.#everyMs = everyMs;
    this.#max = max;
  }

  /** Reads the stored runs of an interval and all later ones, unless they were read before. */
  async readSince(timeMs: number, read: (sinceMs: number) => Promise<ReadonlyMap<string, number>>): Promise<void> {
    const sinceMs = this.#intervalOf(timeMs) * this.#everyMs;
    if (sinceMs >= this.#sinceMs) return;
    for (const [id, startedAtMs] of await read(sinceMs)) {
      if (startedAtMs < this.#sinceMs) this.#note({ id, startedAtMs });
    }
    this.#sinceMs = sinceMs;
  }

  /** Returns false if the run is not known, and its interval is full. */
  add(run: Pick<RunStart, 'id' | 'startedAtMs'>): boolean {
    if (this.#ids.has(run.id)) return true;
    if ((this.#counts.get(this.#intervalOf(run.startedAtMs)) ?? 0) >= this.#max) return false;
    this.#note(run);
    return true;
  }

  #note({ id, startedAtMs }: Pick<RunStart, 'id' | 'startedAtMs'>): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    const interval = this.#intervalOf(startedAtMs);
    this.#counts.set(interval, (this.#counts.get(interval) ?? 0) + 1);
  }

  #intervalOf(timeMs: number): number {
    return Math.floor(timeMs / this.#everyMs);
  }
}

const strangeRecord = 'a record of another form than this version writes';
