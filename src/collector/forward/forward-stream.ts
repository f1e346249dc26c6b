import { rmSync } from 'node:fs';

import { messageOf } from '../../errors.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';
import { encodeFrame, encodeJsonFrame } from '../../report/frames.ts';
import { protocolVersion } from '../../report/wire.ts';
import { pushLimits, pushMarker } from '../../seal/push.ts';
import { readHeader } from '../../seal/sealed-message.ts';
import { endOfJournal, journalTime, readJournal, type JournalLine } from '../pass/journal-files.ts';
import { acknowledgementOf, encodeClocks, payloadsOf } from '../receive/forwarded.ts';
import type { SealedSpool, SpooledReport } from '../spool/sealed-spool.ts';

/** The limit of one stream, which has to arrive within the 60 s that a server waits. */
const mostBytes = 1024 * 1024;
const firstBytes = 256 * 1024;
const leastBytes = 8 * 1024;
/** The time within which an answer doubles the size of the next stream. */
const quickMs = secondMs;

/** The number of refused reports after which a client's other reports wait: they would be refused as well. */
const mostRefused = 2;

export interface StreamSource {
  readonly spool: Pick<SealedSpool, 'read'>;
  /** The reports of this run, and the file of its journal; null if the journal could not be written. */
  readonly present: { readonly reports: readonly SpooledReport[]; readonly journal: string | null };
  /** The reports and journals of earlier runs, each oldest first. */
  readonly backlog: { readonly reports: readonly SpooledReport[]; readonly journals: readonly string[] };
  /**
   * The clients whose reports were refused in the run before, or too large for the link. Their reports are sent last.
   * Default: none.
   */
  readonly refusedBefore?: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Moves a file away that is not a report. */
  readonly onDamaged: (report: SpooledReport, reason: string) => void;
}

/** A journal with frames that are not yet acknowledged. */
interface OpenJournal {
  readonly file: string;
  left: number;
}

interface Sendable {
  /** The acknowledgement, in hexadecimal digits. */
  readonly id: string;
  readonly frames: Buffer;
}

export type Acknowledgeable =
  | (Sendable & { readonly kind: 'report'; readonly report: SpooledReport; readonly client: string })
  | (Sendable & { readonly kind: 'records'; readonly journal: OpenJournal });

export interface ForwardStream {
  /** Returns the bytes to send now: the hello frame holds the present time. */
  readonly body: () => Buffer;
  /** The reports and records by their acknowledgement, in hexadecimal digits. */
  readonly entries: ReadonlyMap<string, Acknowledgeable>;
}

/**
 * The streams of a run: first this run's reports and records, then the waiting ones, oldest first. Sends each report
 * and each record once a run. Leaves a client's reports to the next run after two of them were refused, and records
 * after two streams with refused records: the other collector accepts no more until it has stored the waiting ones.
 */
export class ForwardStreams {
  readonly #items: Generator<Acknowledgeable, undefined>;
  readonly #unsent: Set<SpooledReport>;
  /** The refused reports of each client since its last accepted one. */
  readonly #refused = new Map<string, Set<string>>();
  readonly #welcome = new Set<string>();
  /** The number of consecutive streams with records of which none was accepted. */
  #recordsRefused = 0;
  #streamBytes: number;
  #madeAt: number | null = null;
  #held: Acknowledgeable | null = null;

  constructor(source: StreamSource, failures: number) {
    this.#items = itemsOf(source);
    this.#unsent = new Set([...source.present.reports, ...source.backlog.reports]);
    this.#streamBytes = Math.max(leastBytes, firstBytes >> Math.min(failures, 30));
  }

  /** Returns the next stream; null if everything was sent. */
  async next(): Promise<ForwardStream | null> {
    const isQuick = this.#madeAt !== null && performance.now() - this.#madeAt < quickMs;
    if (isQuick) this.#streamBytes = Math.min(mostBytes, this.#streamBytes * 2);
    await new Promise((resolve) => setImmediate(resolve));
    this.#madeAt = performance.now();
    const entries = new Map<string, Acknowledgeable>();
    let bytes = 0;
    for (let item = this.#nextItem(); item !== null; item = this.#nextItem()) {
      const isFull = entries.size >= pushLimits.maxReports || bytes + item.frames.length > this.#streamBytes;
      // A client that lost an acknowledgement has sent the same report again.
      if ((isFull && entries.size > 0) || entries.has(item.id)) {
        this.#held = item;
        break;
      }
      entries.set(item.id, item);
      bytes += item.frames.length;
    }
    if (entries.size === 0) return null;
    const frames = [...entries.values()].map((entry) => entry.frames);
    return { body: () => bodyOf(frames), entries };
  }

  /** Records which entries of a stream are acknowledged, and returns them. */
  settle(entries: ForwardStream['entries'], known: ReadonlySet<string>): readonly Acknowledgeable[] {
    const taken = [...entries].flatMap(([id, entry]) => (known.has(id) ? entry : []));
    for (const item of taken) {
      if (item.kind !== 'report') continue;
      this.#unsent.delete(item.report);
      this.#welcome.add(item.client);
      this.#refused.delete(item.client);
    }
    const isRecords = ({ kind }: Acknowledgeable): boolean => kind === 'records';
    if (taken.some(isRecords)) this.#recordsRefused = 0;
    else if ([...entries.values()].some(isRecords)) this.#recordsRefused += 1;
    const isWell = new Set(taken.flatMap((item) => (item.kind === 'report' ? item.client : [])));
    for (const item of entries.values()) {
      if (item.kind !== 'report' || isWell.has(item.client)) continue;
      this.#refused.set(item.client, (this.#refused.get(item.client) ?? new Set()).add(item.id));
    }
    return taken;
  }

  left(): number {
    return this.#unsent.size;
  }

  /** Returns the clients none of whose reports were accepted, or none any more. */
  refused(): readonly string[] {
    return [...this.#refused.keys()].filter((client) => this.#isSkipped(client) || !this.#welcome.has(client));
  }

  #nextItem(): Acknowledgeable | null {
    for (;;) {
      const item = this.#held ?? this.#items.next().value ?? null;
      this.#held = null;
      if (item === null || this.#mayGo(item)) return item;
    }
  }

  #mayGo(item: Acknowledgeable): boolean {
    return item.kind === 'report' ? !this.#isSkipped(item.client) : this.#recordsRefused < mostRefused;
  }

  #isSkipped(client: string): boolean {
    return (this.#refused.get(client)?.size ?? 0) >= mostRefused;
  }
}

/** Returns a stream that only identifies its sender. */
export function emptyStream(): Buffer {
  return bodyOf([]);
}

function bodyOf(frames: readonly Buffer[]): Buffer {
  const hello = { v: protocolVersion, agent: 'site', wall_ms: Date.now(), monotonic_ms: 0, boot_id: null };
  const end = { left: 0, place: null, spool_error: null };
  return Buffer.concat([pushMarker, encodeJsonFrame('H', hello), ...frames, encodeJsonFrame('E', end)]);
}

function* itemsOf(source: StreamSource): Generator<Acknowledgeable, undefined> {
  const { present, backlog, now } = source;
  const refused = new Set(source.refusedBefore);
  const isRefused = ({ client }: SpooledReport): boolean => client !== null && refused.has(client);
  const isWelcome = (report: SpooledReport): boolean => !isRefused(report);
  for (const report of present.reports.filter(isWelcome)) yield* reportItem(source, report);
  if (present.journal !== null) yield* recordItems(present.journal, now());
  // A run's records are complete once its last report has arrived.
  const journals = [...backlog.journals];
  for (const report of backlog.reports.filter(isWelcome)) {
    while (journals[0] !== undefined && journalTime(journals[0]) + minuteMs < report.receivedAtMs) {
      yield* recordItems(journals.shift() ?? '', now());
    }
    yield* reportItem(source, report);
  }
  for (const journal of journals) yield* recordItems(journal, now());
  for (const report of [...present.reports, ...backlog.reports].filter(isRefused)) yield* reportItem(source, report);
  return undefined;
}

function* reportItem({ spool, onDamaged }: StreamSource, report: SpooledReport): Generator<Acknowledgeable> {
  try {
    const sealed = spool.read(report);
    const { client, reportId } = readHeader(sealed);
    const frames = Buffer.concat([encodeClocks(report), encodeFrame('R', sealed)]);
    yield { kind: 'report', report, client, id: reportId.replaceAll('-', ''), frames };
  } catch (thrown) {
    onDamaged(report, messageOf(thrown));
  }
}

function* recordItems(file: string, nowMs: number): Generator<Acknowledgeable> {
  const lines = linesOf(file);
  if (lines === null) return;
  const start = lines.find((line) => line.kind === 'start')?.start;
  const visits = lines.flatMap((line) => (line.kind === 'visits' ? line.visits : []));
  const run = start === undefined ? [] : payloadsOf({ kind: 'run', start, end: endOfJournal(lines, start, nowMs) });
  const payloads = [...payloadsOf({ kind: 'visits', visits }), ...run];
  const journal: OpenJournal = { file, left: payloads.length };
  // A crash cut the file off at its beginning.
  if (payloads.length === 0) rmSync(file, { force: true });
  for (const payload of payloads) {
    const frames = encodeFrame('V', payload);
    yield { kind: 'records', journal, id: acknowledgementOf(payload).toString('hex'), frames };
  }
}

/** Returns the lines of a journal; null if it cannot be read, or could not be written because the disk is full. */
function linesOf(file: string): readonly JournalLine[] | null {
  try {
    return readJournal(file).lines;
  } catch {
    return null;
  }
}
