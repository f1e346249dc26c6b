/**
 * A run over the sealed reports of a collector without the private key, on the machine that has the key.
 * Guarantees: a sealed report is either a row of `sealed_reports` or the rows of its content, never neither and never
 * both. A rejected report delays no other. A report that this machine cannot open waits.
 */
import { randomUUID } from 'node:crypto';

import type { FleetError } from '../../platform/errors/errors.ts';
import { processUse } from '../../platform/process-use.ts';
import type { PrivateKeys } from '../../report/seal/open.ts';
import { takeLock } from '../../state-folder/lock.ts';
import { statePaths, type StatePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { Storage } from '../../storage/store/storage.ts';
import type { CollectOptions, CollectResult } from '../collect-options.ts';
import type { IngestCounts } from '../ingest/ingest-options.ts';
import { noTimeLimit } from '../ingest/ingest-queue.ts';
import { ingestStored, type IngestStoredCounts } from '../ingest/ingest-stored.ts';
import { startIngest } from '../ingest/start-ingest.ts';
import { openMarks } from '../ingest/opening-marks.ts';
import { clientsOfSites } from '../inbox/origins.ts';
import { storedBase, StoringFiles } from '../inbox/stored-files.ts';
import { loadOpeningKeys } from '../keys/key-ring.ts';
import { describeMissingKey } from '../keys/retired-keys.ts';
import { createClientNames } from '../sealed-reports/client-names.ts';
import { Quarantine } from '../sealed-reports/quarantine.ts';
import { reportPassedOver } from '../sealed-reports/scan-spool.ts';
import { openSealedSpool } from '../sealed-reports/sealed-spool.ts';
import { followRenames } from './follow-renames.ts';
import { pruneInTime } from './prune-in-time.ts';

export interface IngestRunOptions extends Pick<CollectOptions, 'config' | 'signal' | 'observe' | 'now' | 'host'> {
  /** Opens the storage while the lock is held. Closed at the end. */
  readonly openStorage: () => Promise<Storage>;
}

type OfCollect = 'runId' | 'outcome' | 'exitStatus' | 'holder' | 'startedAtMs' | 'finishedAtMs' | 'faults';

/** Exit status 1: a report was rejected or has no key, or the run was cut short. 3: the disk. */
export interface IngestRunResult extends IngestStoredCounts, Pick<CollectResult, OfCollect> {}

/**
 * Makes one run. Ends at once as `overlapped` if another one is active here. Throws FleetError (exit status 3) if the
 * run cannot be made: `keys-invalid`, `state-unusable`, or the storage's error. Then records a run `failed` if the
 * database accepts it.
 */
export async function ingestRun(options: IngestRunOptions): Promise<IngestRunResult> {
  const paths = statePaths(options.config.stateDir);
  const start: RunStart = {
    id: randomUUID(),
    program: 'ingest',
    // Its runs, like the alerter's, belong to no collector.
    collectorId: '',
    host: options.host,
    scope: 'full',
    configDigest: options.config.digest,
    startedAtMs: options.now(),
  };
  claimStateFolder(paths, ['keys', 'publicKeys', 'retiredKeys', 'encryptedStats', 'inbox']);
  const lock = await takeLock({ file: paths.ingestLock, nowMs: start.startedAtMs });
  try {
    const storage = await options.openStorage();
    try {
      if (lock.kind === 'held')
        return await makeIngestRun({ options, paths, keys: loadOpeningKeys(paths), start, storage });
      const outcome = { outcome: 'overlapped', finishedAtMs: options.now(), faults: [], holder: lock.holder } as const;
      const result = resultOf(start, noneTaken, outcome);
      await storage.reports.endRun(start, endOf(start, result));
      return result;
    } catch (thrown) {
      // Shows people in `status` that the program runs without success. This cannot be recorded while the database is
      // away.
      const end = endOf(start, { ...noneTaken, outcome: 'failed', finishedAtMs: options.now() });
      await storage.reports.endRun(start, end).catch(() => undefined);
      throw thrown;
    } finally {
      await storage.close().catch(() => undefined);
    }
  } finally {
    if (lock.kind === 'held') lock.release();
  }
}

const noneTaken: IngestStoredCounts = { stored: 0, duplicate: 0, quarantined: 0, keyless: 0, clients: 0 };

interface IngestRun {
  readonly options: IngestRunOptions;
  readonly paths: StatePaths;
  readonly keys: PrivateKeys;
  readonly start: RunStart;
  readonly storage: Storage;
}

async function makeIngestRun(run: IngestRun): Promise<IngestRunResult> {
  const { options, storage } = run;
  const { config, observe, signal } = options;
  // Readers compare this time with the database's clock to see how long no program has opened reports.
  const start = { ...run.start, startedAtMs: await storage.nowMs() };
  const faults: FleetError[] = [];
  const onFault = (fault: FleetError): void => {
    faults.push(fault);
    observe({ kind: 'fault', fault });
  };
  if (config.clients.some(({ was }) => was !== null)) await followRenames(options, storage);
  await storage.reports.saveLabels(config.clients);
  const counts = await openAll(run, onFault);
  const outcome = signal.aborted ? 'interrupted' : 'finished';
  const finishedAtMs = await storage.nowMs();
  const result = resultOf(start, counts, { outcome, finishedAtMs, faults, holder: null });
  if (await isWorthARow(result, run)) {
    await storage.reports.endRun(start, endOf(start, result));
    if (outcome === 'finished') await prune(run);
  }
  return result;
}

/** Stores the sealed files of this machine, unless a collector is at work here, and then the sealed rows. */
async function openAll(run: IngestRun, onFault: (fault: FleetError) => void): Promise<IngestStoredCounts> {
  const { options, paths, keys, storage } = run;
  const { config, now, observe, signal } = options;
  const { rawMs: retentionMs } = config.retention;
  const shared = {
    store: storage.reports,
    names: createClientNames(config.clients),
    keys,
    retentionMs,
    now,
    observe,
    onFault,
    describeKey: (keyId: string) => describeMissingKey(paths, keyId),
  };
  const files = new StoringFiles({
    ...{ paths, base: storedBase(run.start), room: () => config.collector.spoolBytes },
    onNote: (message) => observe({ kind: 'note', message }),
  });
  const collecting = await takeLock({ file: paths.lock, nowMs: now() });
  const isHeld = collecting.kind === 'held';
  let quarantine;
  let local: Omit<IngestCounts, 'waiting'> = noneTaken;
  try {
    const spool = openSealedSpool(paths.encryptedStats, paths.inbox, files.keep);
    const scan = await spool.scan(isHeld, clientsOfSites(config.clients));
    const { reports: leftovers, quarantines, passedOver } = scan;
    reportPassedOver(scan, observe, onFault);
    const { setAside } = paths;
    quarantine = new Quarantine({ places: quarantines, setAside, nowMs: now(), keepMs: retentionMs });
    if (isHeld && leftovers.length > 0) {
      files.bound();
      const marks = openMarks(paths.openingFiles);
      const runId = run.start.id;
      const waiting = { leftovers, passedOver };
      const ingest = startIngest({ ...shared, runId, quarantine, spool, ...waiting, times: noTimeLimit, marks });
      await ingest.drain();
      local = ingest.counts();
    }
  } finally {
    if (isHeld) {
      files.end();
      collecting.release();
    }
  }
  const marks = openMarks(paths.openingRows);
  const { sealed } = storage;
  const counts = await ingestStored({ ...shared, quarantine, sealed, dir: paths.encryptedStats, signal, marks });
  return {
    ...counts,
    stored: counts.stored + local.stored,
    duplicate: counts.duplicate + local.duplicate,
    quarantined: counts.quarantined + local.quarantined,
  };
}

/**
 * True if the run did anything, or if half of `every` has passed since the last row: the row shows that the program
 * runs.
 */
async function isWorthARow(result: IngestRunResult, { options, storage }: IngestRun): Promise<boolean> {
  const { stored, duplicate, quarantined, keyless, outcome } = result;
  if (stored + duplicate + quarantined + keyless > 0 || outcome !== 'finished') return true;
  const last = await storage.history.lastRun('ingest');
  return last === null || result.startedAtMs - last.startedAtMs >= options.config.collector.everyMs / 2;
}

/** Prunes in place of a collector that opens nothing and therefore has no right to prune. */
async function prune({ options, start, storage }: IngestRun): Promise<void> {
  const { config, now, observe } = options;
  await pruneInTime(options, start.startedAtMs, storage.retention);
  const removed = await storage.sealed.removeKeyless(now(), config.retention.rawMs);
  if (removed === 0) return;
  const message = `${removed} sealed reports went: they were older than what is kept, and no key here opened them`;
  observe({ kind: 'note', message });
}

type Outcome = Pick<IngestRunResult, 'outcome' | 'finishedAtMs' | 'faults' | 'holder'>;

function resultOf({ id, startedAtMs }: RunStart, counts: IngestStoredCounts, outcome: Outcome): IngestRunResult {
  const isWhole = counts.quarantined + counts.keyless === 0 && outcome.outcome !== 'interrupted';
  return {
    runId: id,
    exitStatus: outcome.faults.some(({ code }) => code !== 'seal-no-key') ? 3 : isWhole ? 0 : 1,
    startedAtMs,
    ...counts,
    ...outcome,
  };
}

/** Returns the final values of the run's row of `runs`. Its numbers count reports, but `clients` counts clients. */
function endOf({ id }: RunStart, result: IngestStoredCounts & Pick<RunEnd, 'outcome' | 'finishedAtMs'>): RunEnd {
  const { outcome, finishedAtMs, clients, stored, duplicate, quarantined, keyless } = result;
  const counts = { clients, succeeded: stored + duplicate, failed: quarantined, skipped: keyless };
  return { id, outcome, finishedAtMs, ...counts, ...processUse() };
}
