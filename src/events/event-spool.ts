import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { syncFolder, writeSynced } from '../state/durable-file.ts';
import { makeOwnFolder } from '../state/make-folder.ts';
import type { NewEvent } from '../storage/store/event-store.ts';

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
      this.#add({ name, events: Number(events), bytes: statSync(path.join(folder, name)).size });
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
   * Passes the events of the oldest file to `store`, then removes the file. Returns false if the file is damaged; a
   * damaged file is renamed. Throws the errors of `store`; the file stays then.
   */
  async takeUp(store: (events: readonly NewEvent[]) => Promise<void>): Promise<boolean> {
    const [oldest] = this.#files;
    if (oldest === undefined) return true;
    const file = path.join(this.#folder, oldest.name);
    const events = await readEvents(file);
    if (events !== null) await store(events);
    if (events === null) await rename(file, `${file}.damaged`).catch(() => undefined);
    else await rm(file, { force: true });
    await syncFolder(this.#folder);
    this.#files.shift();
    this.#bytes -= oldest.bytes;
    this.#events -= oldest.events;
    return events !== null;
  }

  #add(file: SpoolFile): void {
    this.#files.push(file);
    this.#bytes += file.bytes;
    this.#events += file.events;
  }
}

/** Reads the events of a file. Returns null for a file without events, which no version of this program has written. */
async function readEvents(file: string): Promise<readonly NewEvent[] | null> {
  try {
    const events: unknown = JSON.parse(await readFile(file, 'utf8'));
    const isEvent = (one: unknown): boolean => typeof (one as Partial<NewEvent> | null)?.eventId === 'string';
    return Array.isArray(events) && events.every(isEvent) ? (events as readonly NewEvent[]) : null;
  } catch {
    return null;
  }
}
