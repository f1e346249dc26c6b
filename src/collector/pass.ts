import { FleetError, asFleetError } from '../errors.ts';
import type { StatePaths } from '../paths.ts';
import type { ReportStore, RunEnd, RunStart, Storage } from '../storage/storage.ts';
import { alerterFault } from './alerter-silent.ts';
import { createClientNames } from './client-names.ts';
import { clockFactsOf } from './clock-facts.ts';
import type { CollectOptions, CollectResult } from './collect-options.ts';
import { startIngest } from './ingest.ts';
import type { Ingest } from './ingest.ts';
import { journalOf } from './journal.ts';
import type { KeyRing } from './key-ring.ts';
import { ReportRejected, openSealed } from './open-sealed.ts';
import { prepareStorage } from './prepare-storage.ts';
import { defaultBounds, openQuarantine } from './quarantine.ts';
import { startRunRecord } from './run-record.ts';
import type { RunRecord } from './run-record.ts';
import { openSealedSpool } from './sealed-spool.ts';
import type { SealedSpool } from './sealed-spool.ts';
import { visitClients } from './visit-clients.ts';
import type { ClientsVisited } from './visit-clients.ts';
import type { VisitContext } from './visit.ts';

export interface PassOptions extends CollectOptions {
  readonly paths: StatePaths;
  readonly start: RunStart;
  readonly keyRing: KeyRing;
}

/** The pass itself, while the lock is held. Throws FleetError `state-unusable`. */
export async function makePass(options: PassOptions): Promise<CollectResult> {
  const { paths, start, config, observe } = options;
  const faults = createFaults(observe);
  const spool = openSealedSpool(paths.encryptedStats);
  const scan = await spool.scan();
  const quarantine = openQuarantine({
    places: scan.quarantines,
    bounds: defaultBounds,
    nowMs: start.startedAtMs,
    keepMs: config.retention.rawMs,
  });
  const { storage, store, facts, wasAway } = await prepareStorage({
    config,
    openStorage: options.openStorage,
    journalDir: paths.journal,
    start,
    observe,
    onFault: faults.add,
  });
  try {
    const journal = journalOf(paths.journal, start);
    const record = await startRunRecord({ store, journal, start, onFault: faults.add });
    const left = scan.reports.length;
    if (left > 0) {
      const message = `${left} sealed ${left === 1 ? 'report waits' : 'reports wait'} from earlier runs`;
      observe({ kind: 'note', message });
    }
    const ingest = startIngest({
      spool,
      quarantine,
      leftovers: scan.reports,
      keys: options.keyRing.opening,
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
    return await finish({ options, visited, ingest, record, store, faults, watched });
  } finally {
    await storage?.close().catch(() => undefined);
  }
}

/** Visits and shows what comes; stores and acknowledges nothing. */
export async function makeDryPass(options: PassOptions): Promise<CollectResult> {
  const names = createClientNames(options.config.clients);
  const visited = await visitClients({
    pass: options,
    facts: null,
    keep: showOpened(options, names),
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

function showOpened(options: PassOptions, names: ReturnType<typeof createClientNames>): VisitContext['keep'] {
  return (client, { sealed, receivedAtMs, hello }) => {
    try {
      const { item } = openSealed({
        sealed,
        keys: options.keyRing.opening,
        owner: names.ownerOf(client.name),
        receivedAtMs,
        clock: clockFactsOf(hello),
        oldestMs: -Infinity,
      });
      options.observe({ kind: 'report', client: client.name, report: item.report });
      return Promise.resolve();
    } catch (thrown) {
      if (!(thrown instanceof ReportRejected)) throw thrown;
      const { code, message } = thrown;
      throw new FleetError({ code, stage: 'report', message, client: client.name, cause: thrown });
    }
  };
}

interface Finish {
  readonly options: PassOptions;
  readonly visited: ClientsVisited;
  readonly ingest: Ingest;
  readonly record: RunRecord;
  readonly store: ReportStore | null;
  readonly faults: Faults;
  /** Where to look for an alerter that has fallen silent; null: nowhere. */
  readonly watched: Storage | null;
}

/** Stores what was received, tells the database how the run ended, and removes old rows when all went well. */
async function finish({ options, visited, ingest, record, store, faults, watched }: Finish): Promise<CollectResult> {
  if (visited.endedEarly) ingest.putOffLeftovers();
  await ingest.drain();
  const end = endOf(options, visited);
  await record.end(end);
  const whole = options.start.scope === 'full' && !visited.interrupted && faults.all.length === 0;
  if (store !== null && whole) {
    await prune(options, store).catch((thrown: unknown) =>
      faults.add(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' })),
    );
  }
  if (watched !== null && whole) {
    const { everyMs } = options.config.collector;
    const fault = await alerterFault({ storage: watched, everyMs }).catch((thrown: unknown) =>
      asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }),
    );
    if (fault !== null) faults.add(fault);
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

interface Faults {
  readonly all: readonly FleetError[];
  readonly add: (fault: FleetError) => void;
}

/** The faults that are no client's, each code once: a full disk is one fault, not one of every client. */
function createFaults(observe: CollectOptions['observe']): Faults {
  const all: FleetError[] = [];
  const add = (fault: FleetError): void => {
    if (all.some((known) => known.code === fault.code)) return;
    all.push(fault);
    observe({ kind: 'fault', fault });
  };
  return { all, add };
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
    exitStatus: faults.some(({ code }) => code !== 'alerter-silent') ? 3 : allWell && faults.length === 0 ? 0 : 1,
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
