import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, errnoOf, FleetError } from '../../errors.ts';
import type { IngestResult, ReportStore } from '../../storage/store/storage.ts';
import { giveWay } from './give-way.ts';
import { createIngestQueue } from './ingest-queue.ts';
import type { Ingest, IngestOptions } from './ingest-options.ts';
import type { IngestTimes } from './ingest-queue.ts';
import { ReportRejected } from './open-sealed.ts';
import { deadlyMessage, noMarks } from './opening-marks.ts';
import { asRejected, openingDoor, ownerOfFile, sealedDoor } from './report-door.ts';
import type { Admitted, ReportDoor } from './report-door.ts';
import type { SpooledReport } from '../spool/sealed-spool.ts';
import { tellFew } from './tell-few.ts';

/** Measured best at 100 to 500 rows a transaction; visits that go on have to wait for it. */
const batchSize = 200;
/** Once none does: every commit waits for the disk, 0.6 s in all for 10,000 files in batches of 200, 0.2 s in these. */
const drainSize = 500;
/** Beside visits, which a batch keeps waiting: of what earlier runs left, as long as there is any. */
const besideVisits = 50;
/** Opened reports of one batch together, but for the last: usual ones have 2 KB, hostile ones 1 MiB, and much more once parsed. */
const maxBatchBytes = 2 * 1024 * 1024;
/** So much is opened without letting visits go on meanwhile. */
const maxBytesAtOnce = 256 * 1024;
/** How long the first of a batch waits for others. */
const gatherMs = 100;
const asLongAsItTakes: IngestTimes = { aloneMs: Infinity, leftoversMs: Infinity, allMs: Infinity };

interface Opened<Item> extends Admitted<Item> {
  readonly file: SpooledReport;
  readonly client: string;
}

export function startIngest(options: IngestOptions): Ingest {
  const { keys, runId = '' } = options;
  return keys === null
    ? startPumping(options, sealedDoor({ runId }))
    : startPumping(options, openingDoor({ ...options, keys }));
}

function startPumping<Item>(options: IngestOptions, door: ReportDoor<Item>): Ingest {
  const { leftovers, times = asLongAsItTakes, marks = noMarks } = options;
  const observe = tellFew(options.observe);
  const [deadly, others] = partition(leftovers, ({ file }) => marks.isDeadly(file));
  const deathsOf = ({ file }: SpooledReport): number => marks.deathsOf(file) ?? -1;
  const [suspects, usual] = partition(others, (report) => deathsOf(report) >= 0);
  suspects.sort((a, b) => deathsOf(a) - deathsOf(b));
  const queue = createIngestQueue({ leftovers: usual, suspects, times });
  const counts = { stored: 0, duplicate: 0, quarantined: 0 };
  /** Files that cannot even be moved to quarantine: the next run's. */
  let putOff = 0;
  const state: { fault: FleetError | null; pump: Promise<void> | null; visiting: boolean } = {
    fault: null,
    pump: null,
    visiting: true,
  };

  const reject = (report: SpooledReport, client: string, rejected: ReportRejected): void => {
    const { code, message } = rejected;
    try {
      options.quarantine.add(report, client, { code, message, atMs: options.now() });
      counts.quarantined++;
      observe({ kind: 'quarantined', client, code, message });
    } catch (thrown) {
      putOff++;
      options.onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client }));
    }
  };

  const open = (report: SpooledReport): Opened<Item> | null => {
    let client = report.client ?? 'unknown';
    try {
      const sealed = options.spool.read(report);
      const owner = ownerOfFile(options.names, report, sealed);
      client = owner.client;
      return { ...door.admit(sealed, owner, report), file: report, client };
    } catch (thrown) {
      // Somebody removed it: there is nothing to store and nothing to keep.
      if (errnoOf(thrown) === 'ENOENT') return null;
      reject(report, client, asRejected(thrown, options.aboutKey));
      return null;
    }
  };

  const settle = ({ file, client }: Opened<Item>, result: IngestResult): void => {
    switch (result.kind) {
      case 'stored':
      case 'duplicate':
        counts[result.kind]++;
        options.spool.remove(file);
        return;
      case 'foreign':
        reject(file, client, new ReportRejected('report-foreign', `its id is that of a report of ${result.owner}`));
        return;
      case 'refused':
        reject(file, client, new ReportRejected('report-refused', result.message));
        return;
    }
  };

  const storeBatch = async (store: ReportStore, batch: readonly SpooledReport[]): Promise<void> => {
    const seen = new Set<string>();
    const opened: Opened<Item>[] = [];
    let bytes = 0;
    let atOnce = 0;
    for (const [index, report] of batch.entries()) {
      if (bytes > maxBatchBytes) {
        queue.hold(batch.slice(index));
        break;
      }
      const entry = open(report);
      if (entry === null) continue;
      if (seen.has(entry.reportId)) {
        // Twice in one batch: the second is judged once the first is a row.
        queue.add(entry.file);
        continue;
      }
      seen.add(entry.reportId);
      opened.push(entry);
      bytes += entry.sizeBytes;
      atOnce += entry.sizeBytes;
      if (atOnce < maxBytesAtOnce) continue;
      await nextTurn();
      atOnce = 0;
    }
    if (opened.length === 0) return;
    try {
      const results = await door.store(
        store,
        opened.map(({ item }) => item),
      );
      for (const [index, entry] of opened.entries()) {
        const result = results[index];
        if (result !== undefined) settle(entry, result);
      }
    } catch (thrown) {
      queue.putBack(opened.map(({ file }) => file));
      throw thrown;
    }
  };

  const giveUp = (fault: FleetError): void => {
    state.fault ??= fault;
    options.onFault(fault);
  };

  const sizeOfNext = (yields: boolean): number => {
    if (yields) return besideVisits;
    return state.visiting ? batchSize : drainSize;
  };

  const run = async (store: ReportStore): Promise<void> => {
    while (queue.size() > 0 && state.fault === null && !queue.isOver()) {
      const begunAt = performance.now();
      const yields = state.visiting && queue.leftovers() > 0;
      try {
        const batch = queue.next(sizeOfNext(yields));
        await marks.begin(batch.map(({ file }) => file));
        await storeBatch(store, batch);
      } catch (thrown) {
        giveUp(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
      } finally {
        marks.end();
      }
      if (yields) await giveWay(performance.now() - begunAt);
    }
  };

  const startPump = (delayMs: number): void => {
    const { store } = options;
    if (store === null || state.pump !== null || state.fault !== null || queue.size() === 0) return;
    state.pump = sleep(delayMs)
      .then(() => run(store))
      .finally(() => {
        state.pump = null;
      });
  };

  const pumped = async (): Promise<void> => {
    while (state.pump !== null) await state.pump;
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
      state.visiting = false;
      await pumped();
      state.fault = null;
      queue.releaseSuspects();
      startPump(0);
      await pumped();
      if (options.store !== null && queue.size() > 0 && queue.isOver()) giveUp(tooSlow(queue.size()));
      return state.fault;
    },
    putOffLeftovers: () => queue.putOffLeftovers(),
    counts: () => ({ ...counts, waiting: queue.size() + queue.putOff() + putOff }),
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
