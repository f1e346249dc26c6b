/** src/collector/forward: a site without a database: its run, and its files to another collector. */

/**
 * Sends the files of a site without a database to the collector that has one.
 * Guarantees: a sealed report or a document is on a disk of the site until that collector has acknowledged it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, FleetError } from '../../platform/errors/errors.ts';
import { secondMs } from '../../platform/units.ts';
import { maxParallel, type PutAnswer, type SiteLink } from './site-link.ts';

/** A file that waits at the site. */
export interface WaitingFile {
  /** The folder and name in the inbox of the site at the other collector. */
  readonly folder: string;
  readonly name: string;
  /** The client of a sealed report, by its folder; null for a document. */
  readonly client: string | null;
  /** Throws if the file cannot be sent. */
  readonly read: () => Buffer;
  readonly remove: () => void;
  /** Moves a file away that cannot be sent. Does nothing if the file is gone. */
  readonly onUnreadable: (thrown: unknown) => void;
}

export interface ForwardOptions {
  readonly link: SiteLink;
  /** The files in the order in which they are sent, each once. */
  readonly files: readonly WaitingFile[];
  /** The time by `performance.now()` after which no file is sent. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
}

export interface Forwarding {
  /** The number of acknowledged reports and documents. */
  readonly reports: number;
  readonly documents: number;
  /** The number of reports that wait for the next run. */
  readonly left: number;
  /** The clients whose reports were refused. */
  readonly refused: readonly string[];
  /** The reason why not everything was sent; null if everything was sent or refused, or the time was over. */
  readonly fault: FleetError | null;
}

/** The pause if the other collector is busy, and the most pauses of a file. */
const busyMs = 2 * secondMs;
const maxBusy = 10;
/** The number of failures in a row after which the link counts as broken. */
const maxFailures = 2;
/** The number of refusals without any acknowledgement after which the other collector counts as accepting nothing. */
const maxRefused = 8;

/** Sends the files and removes the acknowledged ones. Never throws. */
export async function forward(options: ForwardOptions): Promise<Forwarding> {
  return await new FileForwarding(options).run();
}

class FileForwarding {
  readonly #options: ForwardOptions;
  readonly #files: Iterator<WaitingFile>;
  readonly #taken = { reports: 0, documents: 0 };
  /** The folders of refused files. Their other files would be refused as well. */
  readonly #refused = new Set<string>();
  readonly #refusedClients = new Set<string>();
  #failures = 0;
  #fault: FleetError | null = null;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#files = options.files.values();
  }

  async run(): Promise<Forwarding> {
    const { files, link, signal } = this.#options;
    // Files are sent singly until the link has proved to work.
    while (this.#sum() === 0 && (await this.#sendNext()));
    await Promise.all(
      Array.from({ length: maxParallel }, async () => {
        while (await this.#sendNext());
      }),
    );
    if (this.#fault === null && this.#sum() === 0 && this.#refused.size > 0) this.#fault = refusal(link);
    const left = files.filter(({ client }) => client !== null).length - this.#taken.reports - this.#unreadable;
    return { ...this.#taken, left, refused: [...this.#refusedClients], fault: signal.aborted ? null : this.#fault };
  }

  #unreadable = 0;

  #sum(): number {
    return this.#taken.reports + this.#taken.documents;
  }

  #isOver(): boolean {
    const { signal, endsAt } = this.#options;
    if (signal.aborted || performance.now() >= endsAt || this.#failures >= maxFailures) return true;
    return this.#sum() === 0 && this.#refused.size >= maxRefused;
  }

  /** Sends the next file. Returns false if no more files are to be sent. */
  async #sendNext(): Promise<boolean> {
    if (this.#isOver()) return false;
    const next = this.#files.next();
    if (next.done === true) return false;
    const file = next.value;
    if (this.#refused.has(file.folder)) return true;
    let body: Buffer;
    try {
      body = file.read();
    } catch (thrown) {
      file.onUnreadable(thrown);
      this.#unreadable += file.client === null ? 0 : 1;
      return true;
    }
    try {
      this.#settle(file, await this.#put(file, body));
    } catch (thrown) {
      this.#fail(file, asFleetError(thrown, { code: 'push-failed', stage: 'run' }));
    }
    return true;
  }

  #settle(file: WaitingFile, answer: PutAnswer): void {
    if (answer.kind === 'taken') {
      this.#failures = 0;
      this.#taken[file.client === null ? 'documents' : 'reports'] += 1;
      file.remove();
      return;
    }
    if (answer.kind === 'busy') throw answer.fault;
    this.#refused.add(file.folder);
    if (file.client !== null) this.#refusedClients.add(file.client);
  }

  #fail({ client }: WaitingFile, fault: FleetError): void {
    this.#failures += 1;
    this.#fault = this.#sum() === 0 || client === null ? fault : slowFault(client, fault);
  }

  /** Puts a file, and repeats it while the other collector is busy, and once if a kept connection has broken. */
  async #put({ folder, name }: WaitingFile, body: Buffer): Promise<PutAnswer> {
    const { link, signal, endsAt } = this.#options;
    let hasFailed = this.#sum() === 0;
    for (let pauses = 0; ;) {
      const leftMs = endsAt - performance.now();
      const sentAt = performance.now();
      try {
        const answer = await link.put({ folder, name, body }, signal, leftMs);
        if (answer.kind !== 'busy' || pauses >= maxBusy || leftMs <= busyMs) return answer;
      } catch (thrown) {
        if (hasFailed || performance.now() - sentAt > secondMs) throw thrown;
        hasFailed = true;
        continue;
      }
      pauses += 1;
      await sleep(busyMs, undefined, { signal });
    }
  }
}

function slowFault(client: string, cause: FleetError): FleetError {
  const { code, stage } = cause;
  const message = `a report of ${client} did not get across, and others did: ${cause.message}`;
  const advice =
    'The link is too slow for it, or a proxy cuts it off. The next run sends it again; no other waits for it.';
  return new FleetError({ code, stage, message, advice, cause });
}

function refusal({ url }: SiteLink): FleetError {
  return new FleetError({
    code: 'push-failed',
    stage: 'run',
    message: `${url} acknowledged nothing`,
    advice: 'Look at push-refused in the log of `fleet-health serve` there, and at the disk of its state folder.',
  });
}
