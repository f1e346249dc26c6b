import path from 'node:path';

import type { StatePaths } from '../../state-folder/paths.ts';
import type { NewEvent } from '../../storage/store/event-store.ts';
import { documentName, documentsIn, documentTime, sizeOf, unmarked, writeDocument } from './document-files.ts';
import { takeOverEvents } from './older-folders.ts';
import { allowances, documentsOf } from './origins.ts';
import { storeEvents } from './store-documents.ts';
import { eventsFolder, StoringFiles } from './stored-files.ts';

/** The most documents of events that wait: each attempt to store them reads all names. */
const maxEventDocuments = 20_000;

/** The events that wait in the inbox. The name of a document has its position and the number of its events. */
export class EventDocuments {
  readonly #paths: StatePaths;
  readonly #folder: string;
  readonly #onSetAside: (line: string) => void;
  readonly #room: () => number;
  readonly #maxFiles: number;
  /** The bytes of the waiting documents, by their paths. */
  #sizes = new Map<string, number>();
  #bytes = 0;
  #files = 0;
  #events = 0;
  #place = 0;
  /** Keeps what is stored within the same five minutes. */
  #kept: { readonly base: string; readonly files: StoringFiles } | null = null;

  /**
   * Finds the documents that an earlier process, or the version before, has left. `room` returns the most bytes of
   * stored/. Throws the errors of fs.
   */
  constructor(
    paths: StatePaths,
    onSetAside: (line: string) => void,
    room: () => number = () => Infinity,
    maxFiles = maxEventDocuments,
  ) {
    this.#paths = paths;
    this.#room = room;
    this.#maxFiles = maxFiles;
    this.#folder = documentsOf(paths, { kind: 'events' });
    this.#onSetAside = onSetAside;
    takeOverEvents(paths, onSetAside);
    this.#count();
  }

  /** The number of waiting events. */
  get size(): number {
    return this.#events;
  }

  /**
   * Writes events. Resolves when they would survive a loss of power. Throws an Error if too many events wait, and
   * FleetError.
   */
  async write(events: readonly NewEvent[]): Promise<void> {
    const bytes = Buffer.byteLength(JSON.stringify(events));
    const isFull = this.#bytes + bytes > allowances.events.maxBytes || this.#files >= this.#maxFiles;
    if (isFull) throw new Error('too many events wait in the inbox');
    this.#place = Math.max(this.#place + 1, Date.now());
    const name = documentName(this.#place, `${events.length}-${process.pid}`);
    await writeDocument(this.#folder, name, { events });
    this.#files += 1;
    this.#bytes += bytes;
    this.#events += events.length;
  }

  /** Stores the waiting events in their order. Throws the errors of the store; the events stay then. */
  async takeUp(saveEvents: (events: readonly NewEvent[]) => Promise<void>): Promise<void> {
    const { keep } = this.#keptFiles();
    try {
      await storeEvents({ paths: this.#paths, events: { saveEvents }, keep, onSetAside: this.#onSetAside });
    } finally {
      this.#count();
    }
  }

  /** Bounds what is kept with each new folder: perhaps no collector runs on this machine. */
  #keptFiles(): StoringFiles {
    const base = eventsFolder(Date.now());
    if (this.#kept?.base === base) return this.#kept.files;
    this.#kept?.files.end();
    // The next `collect` reports what cannot be kept.
    const files = new StoringFiles({ paths: this.#paths, base, room: this.#room, onNote: () => undefined });
    files.bound();
    this.#kept = { base, files };
    return files;
  }

  #count(): void {
    const files = documentsIn(this.#folder);
    // While the database is away this happens every half second: a document does not change.
    this.#sizes = new Map(files.map((file) => [file, this.#sizes.get(file) ?? sizeOf(file)]));
    this.#files = files.length;
    this.#bytes = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    this.#events = files.reduce((sum, file) => sum + eventsIn(file), 0);
    this.#place = Math.max(this.#place, documentTime(files.at(-1) ?? ''));
  }
}

function eventsIn(file: string): number {
  return Number(/^\d+-(\d{1,6})-\d+\.json$/.exec(path.basename(unmarked(file)))?.[1] ?? 0);
}
