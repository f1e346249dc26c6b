import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { syncFolder, writeSynced } from '../state/durable-file.ts';
import { makeOwnFolder } from '../state/make-folder.ts';
import type { NewEvent } from '../storage/store/event-store.ts';
import { parseStoredEvents } from './parse-stored-events.ts';

/** A file of waiting events. Its name has its position, the number of events and the process that wrote it. */
interface SpoolFile {
  readonly name: string;
  readonly events: number;
  readonly bytes: number;
}

const nameForm = /^\d{12}-(\d{1,6})-\d+\.json$/;
const mostBytes = 64 * 1024 * 1024;

/** Thrown if the spool is full. */
export class SpoolFull extends Error {}

/** Events on disk that are not rows yet, oldest first. A file is removed once its events are rows. */
export class EventSpool {
  readonly #folder: string;
  readonly #files: SpoolFile[] = [];
  #bytes = 0;
  #events = 0;
  #place = 0;

  /** Finds the files that an earlier process has left. Throws the errors of fs. */
  constructor(folder: string) {
    this.#folder = folder;
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder).sort()) {
      const [, events] = nameForm.exec(name) ?? [];
      if (events === undefined) continue;
      const facts = lstatSync(path.join(folder, name), { throwIfNoEntry: false });
      // Nobody waits for the writer of a pipe, or follows a link.
      if (facts?.isFile() !== true) continue;
      this.#add({ name, events: Number(events), bytes: facts.size });
      this.#place = Number(name.slice(0, 12));
    }
  }

  /** The number of waiting events. */
  get size(): number {
    return this.#events;
  }

  /** Writes events. Resolves when they would survive a loss of power. Throws SpoolFull, and the errors of fs. */
  async write(events: readonly NewEvent[]): Promise<void> {
    const content = JSON.stringify(events);
    const bytes = Buffer.byteLength(content);
    if (this.#bytes + bytes > mostBytes) throw new SpoolFull('the spool of events is full');
    makeOwnFolder(this.#folder);
    this.#place += 1;
    const name = `${String(this.#place).padStart(12, '0')}-${events.length}-${process.pid}.json`;
    await writeSynced(this.#folder, name, content);
    this.#add({ name, events: events.length, bytes });
  }

  /**
   * Passes the events of the oldest file to `store`, then removes the file. Returns false if a part of the file is no
   * event; such a file is renamed. Throws the errors of `store`; the file stays then.
   */
  async takeUp(store: (events: readonly NewEvent[]) => Promise<void>): Promise<boolean> {
    const [oldest] = this.#files;
    if (oldest === undefined) return true;
    const file = path.join(this.#folder, oldest.name);
    const { events, isWhole } = oldest.bytes > mostBytes ? noEvents : await readEvents(file);
    await store(events);
    // A folder that nothing can be removed from: an event is stored once.
    await (isWhole ? rm(file, { force: true }) : rename(file, `${file}.damaged`)).catch(() => undefined);
    await syncFolder(this.#folder);
    this.#files.shift();
    this.#bytes -= oldest.bytes;
    this.#events -= oldest.events;
    return isWhole;
  }

  #add(file: SpoolFile): void {
    this.#files.push(file);
    this.#bytes += file.bytes;
    this.#events += file.events;
  }
}

interface SpooledEvents {
  readonly events: readonly NewEvent[];
  /** False if something in the file is no event, which no version of this program has written. */
  readonly isWhole: boolean;
}

const noEvents: SpooledEvents = { events: [], isWhole: false };

async function readEvents(file: string): Promise<SpooledEvents> {
  try {
    const values: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!Array.isArray(values)) return noEvents;
    const events = parseStoredEvents(values);
    return { events, isWhole: events.length === values.length };
  } catch {
    return noEvents;
  }
}
