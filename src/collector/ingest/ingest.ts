import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, errnoOf, FleetError } from '../../errors.ts';
import { readHeader } from '../../seal/sealed-message.ts';
import type { IngestResult } from '../../storage/store/storage.ts';
import type { SpooledReport } from '../spool/sealed-spool.ts';
import type { Ingest, IngestOptions } from './ingest-options.ts';
import { createIngestQueue } from './ingest-queue.ts';
import { openingIntake, sealedIntake, type Admitted, type Intake } from './intake.ts';
import { deadlyMessage } from './opening-marks.ts';
import { asRejected, createRejections, refusalOf, ReportRejected } from './rejections.ts';

/** The reports of one transaction. Visits wait for it. */
const batchSize = 200;
/** The reports of one transaction while leftovers are stored beside visits. */
const besideVisits = 50;
/** The opened bytes of one batch, without its last report. Usual reports have 2 KB, hostile ones 1 MiB. */
const maxBatchBytes = 2 * 1024 * 1024;
/** The bytes that are opened in one turn of the event loop. */
const maxBytesAtOnce = 256 * 1024;
/** The first report of a batch waits so long for others. */
const gatherMs = 100;

type Store = NonNullable<IngestOptions['store']>;

interface Opened<Item> extends Admitted<Item> {
  readonly file: SpooledReport;
  readonly client: string;
}

/**
 * Starts to store the leftovers, and what is taken from now on. Only the holder of the collector's lock may call it.
 */
export function startIngest(options: IngestOptions): Ingest {
  const { keys } = options;
  return keys === null
    ? startPumping(options, sealedIntake(options))
    : startPumping(options, openingIntake({ ...options, keys }));
}

function startPumping<Item>(options: IngestOptions, intake: Intake<Item>): Ingest {
  const { leftovers, marks, quarantine, spool, store, times } = options;
  const rejections = createRejections(options);
  const deathsOf = ({ file }: SpooledReport): number => marks.deathsOf(file) ?? -1;
  const [deadly, others] = partition(leftovers, ({ file }) => marks.isDeadly(file));
  const [suspects, usual] = partition(others, (report) => deathsOf(report) >= 0);
  suspects.sort((a, b) => deathsOf(a) - deathsOf(b));
  const queue = createIngestQueue({ leftovers: usual, suspects, times });
  const counts = { stored: 0, duplicate: 0 };
  /** Files that cannot even be moved to quarantine. They wait for the next run. */
  let unmovable = 0;
  let stopped: FleetError | null = null;
  let pump: Promise<void> | null = null;
  let visiting = true;

  const reject = (report: SpooledReport, client: string, rejected: ReportRejected): void => {
    if (!rejections.add(client, rejected, (reason) => quarantine.add(report, client, reason))) unmovable++;
  };

  const open = (report: SpooledReport): Opened<Item> | null => {
    let client = report.client ?? 'unknown';
    try {
      const sealed = spool.read(report);
      const message = readHeader(sealed);
      const owner = options.names.ownerOfFile(report, message.client);
      client = owner.client;
      const { receivedAtMs, clock } = report;
      return { ...intake.admit({ sealed, message, owner, receivedAtMs, clock }), file: report, client };
    } catch (thrown) {
      // Somebody removed the file: there is nothing to store and nothing to keep.
      if (errnoOf(thrown) !== 'ENOENT') reject(report, client, asRejected(thrown, options.describeKey));
      return null;
    }
  };

  const settle = ({ file, client }: Opened<Item>, result: IngestResult): void => {
    const refusal = refusalOf(result);
    if (refusal !== null) reject(file, client, refusal);
    if (result.kind !== 'stored' && result.kind !== 'duplicate') return;
    counts[result.kind]++;
    spool.remove(file);
  };

  const openBatch = async (batch: readonly SpooledReport[]): Promise<readonly Opened<Item>[]> => {
    const opened = new Map<string, Opened<Item>>();
    let bytes = 0;
    let atOnce = 0;
    for (const [index, report] of batch.entries()) {
      if (bytes > maxBatchBytes) {
        queue.hold(batch.slice(index));
        break;
      }
      const entry = open(report);
      if (entry === null) continue;
      if (opened.has(entry.reportId)) {
        // A second report of this id is looked at once the first is a row.
        queue.add(entry.file);
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
  };

  const storeBatch = async (into: Store, batch: readonly SpooledReport[]): Promise<void> => {
    const opened = await openBatch(batch);
    if (opened.length === 0) return;
    try {
      const items = opened.map(({ item }) => item);
      for (const [index, result] of (await intake.store(into, items)).entries()) {
        const entry = opened[index];
        if (entry !== undefined) settle(entry, result);
      }
    } catch (thrown) {
      queue.hold(opened.map(({ file }) => file));
      throw thrown;
    }
  };

  const stop = (fault: FleetError): void => {
    stopped ??= fault;
    options.onFault(fault);
  };

  const run = async (into: Store): Promise<void> => {
    while (queue.size() > 0 && stopped === null && !queue.isOver()) {
      const begunAt = performance.now();
      const yields = visiting && queue.leftovers() > 0;
      try {
        const batch = queue.next(yields ? besideVisits : batchSize);
        await marks.begin(batch.map(({ file }) => file));
        await storeBatch(into, batch);
      } catch (thrown) {
        stop(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
      } finally {
        marks.end();
      }
      if (yields) await yieldToVisits(performance.now() - begunAt);
    }
  };

  const startPump = (delayMs: number): void => {
    if (store === null || pump !== null || stopped !== null || queue.size() === 0) return;
    pump = sleep(delayMs)
      .then(() => run(store))
      .finally(() => {
        pump = null;
      });
  };

  const pumped = async (): Promise<void> => {
    while (pump !== null) await pump;
  };

  for (const report of deadly) {
    reject(report, report.client ?? 'unknown', new ReportRejected('report-deadly', deadlyMessage));
  }
  marks.end();
  startPump(0);
  return {
    take: (report) => {
      queue.add(report);
      startPump(gatherMs);
    },
    drain: async () => {
      visiting = false;
      await pumped();
      stopped = null;
      queue.releaseSuspects();
      startPump(0);
      await pumped();
      if (store !== null && queue.size() > 0 && queue.isOver()) stop(tooSlow(queue.size()));
      return stopped;
    },
    putOffLeftovers: () => queue.putOffLeftovers(),
    counts: () => ({
      ...counts,
      quarantined: rejections.count(),
      waiting: queue.size() + queue.putOff() + unmovable,
    }),
  };
}

function partition<T>(list: readonly T[], isFirst: (one: T) => boolean): readonly [T[], T[]] {
  return [list.filter(isFirst), list.filter((one) => !isFirst(one))];
}

function tooSlow(waiting: number): FleetError {
  const reports = waiting === 1 ? 'report of this run waits' : 'reports of this run wait';
  const message = `the database stores too slowly: ${waiting} ${reports} for the next one`;
  return new FleetError({ code: 'storage-unavailable', stage: 'storage', message });
}

/** A turn of the event loop that takes less had nothing else to do. */
const idleMs = 0.5;

/**
 * Yields turns of the event loop to visits until none has anything to do, or for so long. An embedded database stores
 * without a turn of its own, so handshakes would time out meanwhile.
 */
async function yieldToVisits(mostMs: number): Promise<void> {
  const endsAt = performance.now() + mostMs;
  for (let turnAt = performance.now(); ;) {
    await nextTurn();
    const now = performance.now();
    if (now - turnAt < idleMs || now >= endsAt) return;
    turnAt = now;
  }
}
