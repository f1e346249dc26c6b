import { asFleetError } from '../../errors.ts';
import type { FleetError } from '../../errors.ts';
import type { ReportStore, Storage } from '../../storage/store/storage.ts';
import { alerterFault } from './alerter-silent.ts';
import { createClientNames } from '../spool/client-names.ts';
import { clockFactsOf } from '../spool/clock-facts.ts';
import type { CollectResult } from '../collect-options.ts';
import { startIngest } from '../ingest/ingest.ts';
import type { Ingest } from '../ingest/ingest-options.ts';
import { ingestFault } from './ingest-silent.ts';
import { journalOf } from './journal.ts';
import { ownDiskFault } from './own-disk-low.ts';
import { openMarks } from '../ingest/opening-marks.ts';
import { prepareStorage, tellJournals } from './prepare-storage.ts';
import { defaultBounds, openQuarantine } from '../spool/quarantine.ts';
import { startRunRecord } from './run-record.ts';
import type { RunRecord } from './run-record.ts';
import { describeMissingKey } from '../keys/retired-keys.ts';
import { openSealedSpool } from '../spool/sealed-spool.ts';
import type { SealedSpool } from '../spool/sealed-spool.ts';
import { boundSpool } from '../spool/spool-bound.ts';
import { createRunFaults, storageFault } from './run-faults.ts';
import type { RunFaults } from './run-faults.ts';
import { showOpened } from './show-opened.ts';
import { startStorageTime, storageLimits } from './storage-limits.ts';
import type { StorageTime } from './storage-limits.ts';
import { visitClients } from './visit-clients.ts';
import type { ClientsVisited } from './visit-clients.ts';
import type { RunEnd } from '../../storage/store/run.ts';
import type { VisitContext } from '../visit/context.ts';
import type { PassOptions } from './pass-options.ts';

/** The pass itself, while the lock is held. Throws FleetError `state-unusable`. */
export async function makePass(options: PassOptions): Promise<CollectResult> {
  const { paths, start, config, observe } = options;
  const began = performance.now();
  const time = startStorageTime();
  const faults = createRunFaults(observe, time);
  const unbounded = openSealedSpool(paths.encryptedStats);
  const scan = await unbounded.scan();
  const spool = await boundSpool({
    spool: unbounded,
    dir: paths.encryptedStats,
    maxBytes: config.collector.spoolBytes,
    leftovers: scan.reports,
  });
  const quarantine = openQuarantine({
    places: scan.quarantines,
    bounds: defaultBounds,
    nowMs: start.startedAtMs,
    keepMs: config.retention.rawMs,
  });
  const limits = storageLimits(config.collector);
  const { openStorage } = options;
  const told = { config, journalDir: paths.journal, start, observe };
  const renames = options.keyRing.opening !== null;
  const prepared = await prepareStorage({ ...told, openStorage, time, limits, onFault: faults.add, renames });
  const { storage, store, facts, wasAway } = prepared;
  try {
    const journal = journalOf(paths.journal, start);
    const leftMs = (ms: number): number => ms - (performance.now() - began);
    time.endIn(leftMs(limits.allMs));
    const record = startRunRecord({ store, journal, start, onFault: faults.add });
    const left = scan.reports.length;
    if (left > 0) {
      const message = `${left} sealed ${left === 1 ? 'report waits' : 'reports wait'} from earlier runs`;
      observe({ kind: 'note', message });
    }
    const ingest = startIngest({
      spool,
      quarantine,
      leftovers: scan.reports,
      times: { aloneMs: limits.prepareMs, leftoversMs: leftMs(limits.leftoversMs), allMs: leftMs(limits.allMs) },
      keys: options.keyRing.opening,
      runId: start.id,
      describeKey: (id) => describeMissingKey(paths, id),
      marks: openMarks(paths.openingFiles),
      names: createClientNames(config.clients),
      store,
      retentionMs: config.retention.rawMs,
      now: options.now,
      observe,
      onFault: faults.add,
    });
    const visited = await visitClients({
      pass: options,
      facts,
      keep: keepIn(spool, ingest, faults.add),
      record: record.visit,
    });
    // The alerter could not finish either while the database was away.
    const watched = wasAway ? null : storage;
    const tellRest = (tell: ReportStore): Promise<unknown> =>
      tellJournals({ ...told, store: tell, timeMs: prepared.journalsLeft > 0 ? leftMs(limits.leftoversMs) : 0 });
    return await finish({ options, visited, ingest, record, store, faults, watched, time, tellRest });
  } finally {
    time.endIn(null);
    await storage?.close().catch(() => undefined);
  }
}

/** Visits and shows what comes; stores and acknowledges nothing. */
export async function makeDryPass(options: PassOptions): Promise<CollectResult> {
  const names = createClientNames(options.config.clients);
  const visited = await visitClients({
    pass: options,
    facts: null,
    keep: showOpened({ keys: options.keyRing.opening, names, observe: options.observe }),
    record: () => undefined,
  });
  const reports = { stored: 0, duplicate: 0, quarantined: 0, waiting: 0 };
  return resultOf(options, { visited, end: endOf(options, visited), reports, faults: [] });
}

function keepIn(spool: SealedSpool, ingest: Ingest, onFault: (fault: FleetError) => void): VisitContext['keep'] {
  return async (client, { sealed, header, receivedAtMs, hello }) => {
    const { reportId } = header;
    try {
      const clock = clockFactsOf(hello);
      ingest.take(await spool.add({ client: client.name, reportId, sealed, receivedAtMs, clock }));
    } catch (thrown) {
      const fault = asFleetError(thrown, { code: 'state-unusable', stage: 'spool', client: client.name });
      onFault(fault);
      throw fault;
    }
  };
}

interface Finish {
  readonly options: PassOptions;
  readonly visited: ClientsVisited;
  readonly ingest: Ingest;
  readonly record: RunRecord;
  readonly store: ReportStore | null;
  readonly faults: RunFaults;
  /** Where to look for an alerter that has fallen silent; null: nowhere. */
  readonly watched: Storage | null;
  readonly time: StorageTime;
  /** Tells of the earlier runs that there was no time for before the visits. */
  readonly tellRest: (store: ReportStore) => Promise<unknown>;
}

/** Stores what was received, tells the database how the run ended, and removes old rows when all went well. */
async function finish(finishing: Finish): Promise<CollectResult> {
  const { options, visited, ingest, record, store, faults, watched, time, tellRest } = finishing;
  if (visited.endedEarly) ingest.putOffLeftovers();
  const notStored = await ingest.drain();
  if (store !== null && notStored === null) {
    await tellRest(store).catch((thrown: unknown) => faults.add(storageFault(thrown)));
  }
  const end = endOf(options, visited);
  await record.end(end);
  // What follows has limits of its own.
  time.endIn(null);
  const whole = options.start.scope === 'full' && !visited.interrupted && faults.all.length === 0;
  const opens = options.keyRing.opening !== null;
  // Where nothing is opened there is no right to, either: `ingest` does it.
  if (store !== null && whole && opens) {
    await prune(options, store).catch((thrown: unknown) => faults.add(storageFault(thrown)));
  }
  if (store !== null && opens) {
    const low = await ownDiskFault({ ...options, store, nowMs: options.now() }).catch(storageFault);
    // Where it is full already, that has been said.
    if (low !== null && faults.all.length === 0) faults.add(low);
  }
  if (watched !== null && whole) {
    const { everyMs } = options.config.collector;
    const fault = await alerterFault({ storage: watched, everyMs, run: options.start }).catch(storageFault);
    if (fault !== null) faults.add(fault);
    const behind = opens ? null : await ingestFault({ storage: watched, everyMs }).catch(storageFault);
    if (behind !== null) faults.add(behind);
  }
  return resultOf(options, { visited, end, reports: ingest.counts(), faults: faults.all });
}

/** However late the run is: what is never begun is never done. */
const leastPruneMs = 10_000;

async function prune({ config, start, now, signal }: PassOptions, store: ReportStore): Promise<void> {
  const leftMs = start.startedAtMs + config.collector.runDeadlineMs - now();
  const limited = AbortSignal.any([signal, AbortSignal.timeout(Math.max(leastPruneMs, leftMs))]);
  await store.prune({ nowMs: now(), ...config.retention }, limited);
}

function endOf({ start, now }: PassOptions, visited: ClientsVisited): RunEnd {
  const { user, system } = process.cpuUsage();
  return {
    id: start.id,
    outcome: visited.interrupted ? 'interrupted' : 'finished',
    finishedAtMs: now(),
    clients: visited.clients,
    succeeded: visited.succeeded,
    failed: visited.failures.length,
    skipped: visited.heldBack + visited.unreached,
    cpuMs: Math.round((user + system) / 1000),
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Of other programs: this run was made. */
const othersFaults: readonly string[] = ['alerter-silent', 'ingest-silent', 'disk-low'];

interface Outcome {
  readonly visited: ClientsVisited;
  readonly end: RunEnd;
  readonly reports: CollectResult['reports'];
  readonly faults: readonly FleetError[];
}

function resultOf({ start }: PassOptions, { visited, end, reports, faults }: Outcome): CollectResult {
  const { clients, succeeded, failed, skipped } = end;
  const allWell = failed + skipped + reports.quarantined === 0 && !visited.interrupted;
  return {
    runId: start.id,
    outcome: visited.interrupted ? 'interrupted' : 'finished',
    exitStatus: faults.some(({ code }) => !othersFaults.includes(code)) ? 3 : allWell && faults.length === 0 ? 0 : 1,
    holder: null,
    startedAtMs: start.startedAtMs,
    finishedAtMs: end.finishedAtMs,
    clients,
    succeeded,
    failed,
    skipped,
    unreached: visited.unreached,
    reports,
    failures: visited.failures,
    faults,
  };
}
