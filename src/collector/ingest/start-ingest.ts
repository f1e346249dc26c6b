import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, errnoOf, FleetError } from '../../platform/errors/errors.ts';
import { readHeader } from '../../report/seal/sealed-message.ts';
import type { IngestResult } from '../../storage/store/storage.ts';
import type { QuarantineReason } from '../sealed-reports/quarantine.ts';
import { parseSealedName, type SpooledReport } from '../sealed-reports/sealed-names.ts';
import { removeStored } from '../inbox/document-files.ts';
import { scanBounds } from '../sealed-reports/scan-spool.ts';
import { readSealed } from '../sealed-reports/sealed-spool.ts';
import { counted } from '../../text/numbers.ts';
import { factsOfHeld } from '../../state-folder/held-folder.ts';
import type { Ingest, IngestCounts, IngestOptions } from './ingest-options.ts';
import { createIngestQueue } from './ingest-queue.ts';
import { openingIntake, sealedIntake, type Admitted, type Intake } from './intake.ts';
import { deadlyMessage } from './opening-marks.ts';
import { asRejected, createRejections, refusalOf, ReportRejected } from './rejections.ts';

/** The reports of one transaction. Visits wait for the transaction. */
const batchSize = 200;
/** The reports of one transaction while leftovers are stored during visits. */
const besideVisits = 50;
/** The opened bytes of one batch, not counting its last report. Usual reports have 2 KB, hostile reports 1 MiB. */
const maxBatchBytes = 2 * 1024 * 1024;
/** The bytes that are opened in one turn of the event loop. */
const maxBytesAtOnce = 256 * 1024;
/** The time for which the first report of a batch waits for others. */
const gatherMs = 100;

type Store = NonNullable<IngestOptions['store']>;

interface Opened<Item> extends Admitted<Item> {
  readonly file: SpooledReport;
  readonly client: string;
}

/** Starts to store the leftovers, and later the queued reports. Only the holder of the collector's lock may call it. */
export function startIngest(options: IngestOptions): Ingest {
  const { keys } = options;
  return keys === null
    ? new IngestPump(options, sealedIntake(options))
    : new IngestPump(options, openingIntake({ ...options, keys }));
}

/** Stores the reports of a queue one batch after the other. */
class IngestPump<Item> implements Ingest {
  readonly #options: IngestOptions;
  readonly #intake: Intake<Item>;
  readonly #rejections: ReturnType<typeof createRejections>;
  readonly #queue: ReturnType<typeof createIngestQueue>;
  readonly #counts = { stored: 0, duplicate: 0 };
  /** The number of files that were no sealed reports, by their origins. */
  readonly #noReports = new Map<string, number>();
  /** The time that rejected reports took, by their origins. */
  readonly #rejectedMs = new Map<string, number>();
  #stopped: FleetError | null = null;
  #pump: Promise<void> | null = null;
  #visiting = true;

  /** Rejects leftovers that ended earlier runs, and starts to store the others. */
  constructor(options: IngestOptions, intake: Intake<Item>) {
    const { leftovers, marks, times } = options;
    this.#options = options;
    this.#intake = intake;
    this.#rejections = createRejections(options);
    const deathsOf = ({ file }: SpooledReport): number => marks.deathsOf(file) ?? -1;
    const [deadly, others] = partition(leftovers, ({ file }) => marks.isDeadly(file));
    const [suspects, usual] = partition(others, (report) => deathsOf(report) >= 0);
    suspects.sort((a, b) => deathsOf(a) - deathsOf(b));
    this.#queue = createIngestQueue({ leftovers: usual, suspects, times });
    for (const report of deadly) {
      this.#reject(report, report.client ?? 'unknown', new ReportRejected('report-deadly', deadlyMessage));
    }
    marks.end();
    this.#startPump(0);
  }

  take(report: SpooledReport): void {
    this.#queue.add(report);
    this.#startPump(gatherMs);
  }

  async drain(): Promise<FleetError | null> {
    this.#visiting = false;
    await this.#pumped();
    this.#stopped = null;
    this.#queue.releaseSuspects();
    this.#startPump(0);
    await this.#pumped();
    this.#reportRemoved();
    const queue = this.#queue;
    if (this.#options.store !== null && queue.size() > 0 && queue.isOver()) this.#stop(tooSlow(queue.size()));
    return this.#stopped;
  }

  putOffLeftovers(): void {
    this.#queue.putOffLeftovers();
  }

  counts(): IngestCounts {
    return {
      ...this.#counts,
      quarantined: this.#rejections.count(),
      waiting: this.#queue.size() + this.#queue.putOff() + this.#rejections.unmovable(),
    };
  }

  #startPump(delayMs: number): void {
    const { store } = this.#options;
    if (store === null || this.#pump !== null || this.#stopped !== null || this.#queue.size() === 0) return;
    this.#pump = sleep(delayMs)
      .then(() => this.#run(store))
      .finally(() => {
        this.#pump = null;
      });
  }

  async #pumped(): Promise<void> {
    while (this.#pump !== null) await this.#pump;
  }

  async #run(into: Store): Promise<void> {
    const { marks } = this.#options;
    while (this.#queue.size() > 0 && this.#stopped === null && !this.#queue.isOver()) {
      const begunAt = performance.now();
      const yields = this.#visiting && this.#queue.leftovers() > 0;
      try {
        const batch = this.#queue.next(yields ? besideVisits : batchSize);
        await marks.begin(batch.map(({ file }) => file));
        await this.#storeBatch(into, batch);
      } catch (thrown) {
        this.#stop(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
      } finally {
        marks.end();
      }
      if (yields) await yieldToVisits(performance.now() - begunAt);
    }
  }

  async #storeBatch(into: Store, batch: readonly SpooledReport[]): Promise<void> {
    const opened = await this.#openBatch(batch);
    if (opened.length === 0) return;
    try {
      const items = opened.map(({ item }) => item);
      for (const [index, result] of (await this.#intake.store(into, items)).entries()) {
        const entry = opened[index];
        if (entry !== undefined) this.#settle(entry, result);
      }
    } catch (thrown) {
      this.#queue.hold(opened.map(({ file }) => file));
      throw thrown;
    }
  }

  async #openBatch(batch: readonly SpooledReport[]): Promise<readonly Opened<Item>[]> {
    const opened = new Map<string, Opened<Item>>();
    let bytes = 0;
    let atOnce = 0;
    for (const [index, report] of batch.entries()) {
      if (bytes > maxBatchBytes) {
        this.#queue.hold(batch.slice(index));
        break;
      }
      const entry = this.#open(report);
      if (entry === null) continue;
      if (opened.has(entry.reportId)) {
        // A second report of this id is examined once the first is a row.
        this.#queue.add(entry.file);
        continue;
      }
      opened.set(entry.reportId, entry);
      bytes += entry.sizeBytes;
      atOnce += entry.sizeBytes;
      if (atOnce < maxBytesAtOnce) continue;
      await nextTurn();
      atOnce = 0;
    }
    return [...opened.values()];
  }

  #open(report: SpooledReport): Opened<Item> | null {
    const { names, describeKey, now } = this.#options;
    const begunAt = performance.now();
    let client = report.client ?? 'unknown';
    let isReport = false;
    try {
      const sealed = readSealed(report.file);
      const message = readHeader(sealed);
      isReport = true;
      const owner = names.ownerOfFile(report, message.client);
      client = owner.client;
      const { clock } = report;
      // The clock of a site may be ahead.
      const receivedAtMs = report.origin === null ? report.receivedAtMs : Math.min(report.receivedAtMs, now());
      const admitted = this.#intake.admit({ sealed, message, owner, receivedAtMs, clock });
      checkName(report, admitted.reportId);
      return { ...admitted, file: report, client };
    } catch (thrown) {
      // A person removed the file: there is nothing to store and nothing to keep.
      if (errnoOf(thrown) !== 'ENOENT' && !(!isReport && this.#removeMany(report))) {
        this.#reject(report, client, asRejected(thrown, describeKey));
      }
      this.#countRejected(report, performance.now() - begunAt);
      return null;
    }
  }

  /**
   * Removes a plain file that is no sealed report at all, once as many of its origin as people need are in quarantine.
   * Returns false for a report that goes there.
   */
  #removeMany(report: SpooledReport): boolean {
    const origin = originOf(report);
    const count = (this.#noReports.get(origin) ?? 0) + 1;
    this.#noReports.set(origin, count);
    if (count <= scanBounds.noReports || factsOfHeld(report.file)?.isFile() !== true) return false;
    try {
      removeStored(report.file);
      return true;
    } catch {
      return false;
    }
  }

  #reportRemoved(): void {
    for (const [origin, count] of this.#noReports) {
      const removed = count - scanBounds.noReports;
      if (removed <= 0) continue;
      const message = `${origin}: ${counted(removed, 'file')} that were no sealed reports went`;
      this.#options.observe({ kind: 'note', message });
    }
    this.#noReports.clear();
  }

  #settle({ file, client }: Opened<Item>, result: IngestResult): void {
    const refusal = refusalOf(result);
    if (refusal !== null) this.#reject(file, client, refusal);
    if (result.kind !== 'stored' && result.kind !== 'duplicate') return;
    this.#counts[result.kind]++;
    try {
      this.#options.spool.remove(file);
    } catch (thrown) {
      // The next run finds the row.
      this.#rejections.stay(thrown, client, file.origin);
    }
  }

  #reject(report: SpooledReport, client: string, rejected: ReportRejected): void {
    const { quarantine } = this.#options;
    const keep = (reason: QuarantineReason): void => quarantine.add(report, client, reason);
    this.#rejections.add(client, rejected, keep, report.origin);
  }

  /** Leaves the leftovers of an origin to the next run once rejecting others of it has taken its time. */
  #countRejected(report: SpooledReport, ms: number): void {
    const { times, observe } = this.#options;
    const origin = originOf(report);
    const beforeMs = this.#rejectedMs.get(origin) ?? 0;
    this.#rejectedMs.set(origin, beforeMs + ms);
    if (beforeMs > times.rejectedMs || beforeMs + ms <= times.rejectedMs) return;
    const left = this.#queue.putOffThose((other) => originOf(other) === origin);
    if (left === 0) return;
    const what = left === 1 ? 'another report waits' : `${left} other reports wait`;
    observe({ kind: 'note', message: `${origin}: ${what} for the next run: too many that came there are rejected` });
  }

  #stop(fault: FleetError): void {
    this.#stopped ??= fault;
    this.#options.onFault(fault);
  }
}

/** Refuses a file whose name has another report's id: the second look asks the database for the id in the name. */
function checkName({ file }: SpooledReport, reportId: string): void {
  const named = parseSealedName(path.basename(file))?.reportId ?? reportId;
  if (named === reportId) return;
  throw new ReportRejected('report-foreign', `its file is named as report ${named}, its header names ${reportId}`);
}

/** Returns the folder that a report lies in, or that of the site which brought it. */
function originOf({ file, origin }: SpooledReport): string {
  const folder = path.dirname(file);
  return origin === null ? folder : path.dirname(folder);
}

function partition<T>(list: readonly T[], isFirst: (one: T) => boolean): readonly [T[], T[]] {
  return [list.filter(isFirst), list.filter((one) => !isFirst(one))];
}

function tooSlow(waiting: number): FleetError {
  const reports = waiting === 1 ? 'report of this run waits' : 'reports of this run wait';
  const message = `the database stores too slowly: ${waiting} ${reports} for the next one`;
  return new FleetError({ code: 'storage-unavailable', stage: 'storage', message });
}

/** The duration below which a turn of the event loop counts as idle. */
const idleMs = 0.5;

/**
 * Yields turns of the event loop to visits until the visits are idle, or for at most `maxMs`. An embedded database
 * stores without yielding, so handshakes would time out meanwhile.
 */
async function yieldToVisits(maxMs: number): Promise<void> {
  const endsAt = performance.now() + maxMs;
  for (let turnAt = performance.now(); ;) {
    await nextTurn();
    const now = performance.now();
    if (now - turnAt < idleMs || now >= endsAt) return;
    turnAt = now;
  }
}
