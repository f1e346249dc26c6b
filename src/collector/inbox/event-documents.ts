import path from 'node:path';

import type { StatePaths } from '../../state/paths.ts';
import type { NewEvent } from '../../storage/store/event-store.ts';
import { documentName, documentsIn, documentTime, sizeOf, unmarked, writeDocument } from './document-files.ts';
import { takeOverEvents } from './older-folders.ts';
import { allowances, documentsOf } from './origins.ts';
import { storeEvents } from './store-documents.ts';
import { eventsFolder, StoringFiles } from './stored-files.ts';

/** Thrown if the folder of events is full. */
export class EventFolderFull extends Error {}

/** The events that wait in the inbox. The name of a document has its position and the number of its events. */
export class EventDocuments {
  readonly #paths: StatePaths;
  readonly #folder: string;
  readonly #onSetAside: (line: string) => void;
  #bytes = 0;
  #events = 0;
  #place = 0;

  /** Finds the documents that an earlier process, or the version before, has left. Throws the errors of fs. */
  constructor(paths: StatePaths, onSetAside: (line: string) => void) {
    this.#paths = paths;
    this.#folder = documentsOf(paths, { kind: 'events' });
    this.#onSetAside = onSetAside;
    takeOverEvents(paths, onSetAside);
    this.#count();
  }

  /** The number of waiting events. */
  get size(): number {
    return this.#events;
  }

  /** Writes events. Resolves when they would survive a loss of power. Throws EventFolderFull, and FleetError. */
  async write(events: readonly NewEvent[]): Promise<void> {
    const bytes = Buffer.byteLength(JSON.stringify(events));
    if (this.#bytes + bytes > allowances.events.maxBytes)
      throw new EventFolderFull('too many events wait in the inbox');
    this.#place = Math.max(this.#place + 1, Date.now());
    const name = documentName(this.#place, `${events.length}-${process.pid}`);
    await writeDocument(this.#folder, name, { events });
    this.#bytes += bytes;
    this.#events += events.length;
  }

  /** Stores the waiting events in their order. Throws the errors of the store; the events stay then. */
  async takeUp(saveEvents: (events: readonly NewEvent[]) => Promise<void>): Promise<void> {
    const base = eventsFolder(Date.now());
    // The next `collect` bounds what is kept, and reports what cannot be kept.
    const { keep } = new StoringFiles({ paths: this.#paths, base, onNote: () => undefined });
    const { inbox } = this.#paths;
    try {
      await storeEvents({ inbox, events: { saveEvents }, keep, onSetAside: this.#onSetAside });
    } finally {
      this.#count();
    }
  }

  #count(): void {
    const files = documentsIn(this.#folder);
    this.#bytes = files.reduce((sum, file) => sum + sizeOf(file), 0);
    this.#events = files.reduce((sum, file) => sum + eventsIn(file), 0);
    this.#place = Math.max(this.#place, documentTime(files.at(-1) ?? ''));
  }
}

function eventsIn(file: string): number {
  return Number(/^\d+-(\d{1,6})-\d+\.json$/.exec(path.basename(unmarked(file)))?.[1] ?? 0);
}
