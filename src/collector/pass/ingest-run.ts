/**
 * One pass over the sealed reports that a collector without the private key has stored: for the machine that has it.
 *
 * Promises: a sealed report is a row of `sealed_reports`, or of what it says, never neither and never both; one that is not
 * believed stops no other; what this machine cannot open waits.
 */
import { randomUUID } from 'node:crypto';

import type { Config } from '../../config/config.ts';
import type { FleetError } from '../../errors.ts';
import { takeLock } from '../../state/lock.ts';
import type { LockHolder } from '../../state/lock.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import type { StatePaths } from '../../state/paths.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import type { Storage } from '../../storage/store/storage.ts';
import { createClientNames } from '../spool/client-names.ts';
import type { CollectEvent } from '../collect-options.ts';
import { processUse } from '../../platform/process-use.ts';
import { followRenames } from './follow-renames.ts';
import { pruneInTime } from './prune-in-time.ts';
import { startIngest } from '../ingest/ingest.ts';
import { noTimeLimit } from '../ingest/ingest-queue.ts';
import { ingestStored } from '../ingest/ingest-stored.ts';
import type { IngestStoredCounts } from '../ingest/ingest-stored.ts';
import { loadOpeningKeys } from '../keys/key-ring.ts';
import { openMarks } from '../ingest/opening-marks.ts';
import { openQuarantine } from '../spool/quarantine.ts';
import { describeMissingKey } from '../keys/retired-keys.ts';
import { openSealedSpool } from '../spool/sealed-spool.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';

export interface IngestRunOptions {
  readonly config: Config;
  /** Opened after the lock is held; closed at the end. */
  readonly openStorage: () => Promise<Storage>;
  /** Ends it between two batches. */
  readonly signal: AbortSignal;
  readonly observe: (event: CollectEvent) => void;
  readonly now: () => number;
  /** Name of this machine. */
  readonly host: string;
}

export interface IngestRunResult extends IngestStoredCounts {
  readonly runId: string;
  readonly outcome: 'finished' | 'overlapped' | 'interrupted';
  /** 0 all well; 1 something was not believed or has no key, or the pass was cut short; 3 the disk. */
  readonly exitStatus: 0 | 1 | 3;
  /** Who runs already; only when overlapped, and null when that could not be read. */
  readonly holder: LockHolder | null;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly faults: readonly FleetError[];
}

/**
 * Makes one pass. Throws FleetError (exit status 3) when it cannot be made: `keys-invalid`, `state-unusable`, or what the
 * storage throws; that is a row `failed` where the database takes one. When another pass runs here it ends at once as `overlapped`.
 */
export async function ingestRun(options: IngestRunOptions): Promise<IngestRunResult> {
  const paths = statePaths(options.config.stateDir);
  const start: RunStart = {
    id: randomUUID(),
    program: 'ingest',
    // Like those of the alerter, its runs belong to no collector.
    collectorId: '',
    host: options.host,
    scope: 'full',
    configDigest: options.config.digest,
    startedAtMs: options.now(),
  };
  const lock = await lockIn(paths, start.startedAtMs);
  try {
    const storage = await options.openStorage();
    try {
      if (lock.kind === 'taken') return await leaveOverlapped(options, start, storage, lock.holder);
      return await makePass({ options, paths, keys: loadOpeningKeys(paths), start, storage });
    } catch (thrown) {
      // People see in `status` that it runs and gets nowhere; where the database is away there is nowhere to say so.
      await storage.reports.endRun(start, failedEnd(start, options.now())).catch(() => undefined);
      throw thrown;
    } finally {
      await storage.close().catch(() => undefined);
    }
  } finally {
    if (lock.kind === 'held') lock.release();
  }
}

async function lockIn(paths: StatePaths, nowMs: number) {
  claimStateFolder(paths, ['keys', 'publicKeys', 'retiredKeys', 'encryptedStats']);
  return await takeLock({ file: paths.ingestLock, nowMs });
}

interface Pass {
  readonly options: IngestRunOptions;
  readonly paths: StatePaths;
  readonly keys: PrivateKeys;
  readonly start: RunStart;
  readonly storage: Storage;
}

async function makePass(pass: Pass): Promise<IngestRunResult> {
  const { options, storage } = pass;
  const { config, observe, signal } = options;
  // Who reads the database judges by its clock since when nobody opens.
  const start = { ...pass.start, startedAtMs: await storage.alerts.nowMs() };
  const faults: FleetError[] = [];
  const onFault = (fault: FleetError): void => {
    faults.push(fault);
    observe({ kind: 'fault', fault });
  };
  if (config.clients.some(({ was }) => was !== null)) await followRenames(options, storage);
  const counts = await openAll({ ...pass, start }, onFault);
  const outcome = signal.aborted ? 'interrupted' : 'finished';
  const finishedAtMs = await storage.alerts.nowMs();
  const result = resultOf(start, { outcome, finishedAtMs, counts, faults, holder: null });
  if (await isWorthARow(result, pass)) {
    await storage.reports.endRun(start, endOf(result));
    if (outcome === 'finished') await prune(pass);
  }
  return result;
}

async function openAll(pass: Pass, onFault: (fault: FleetError) => void): Promise<IngestStoredCounts> {
  const { options, paths, keys, storage } = pass;
  const { observe, now, signal } = options;
  // A collector at work here takes what is left in the folder itself, and writes into it.
  const collecting = await takeLock({ file: paths.lock, nowMs: now() });
  const spool = openSealedSpool(paths.encryptedStats);
  const describeKey = (keyId: string) => describeMissingKey(paths, keyId);
  let local = { stored: 0, duplicate: 0, quarantined: 0 };
  let quarantine;
  const shared = {
    store: storage.reports,
    names: createClientNames(options.config.clients),
    keys,
    retentionMs: options.config.retention.rawMs,
    now,
    observe,
    onFault,
    describeKey,
  };
  try {
    const scan = await spool.scan(collecting.kind === 'held');
    quarantine = openQuarantine({ places: scan.quarantines, nowMs: now(), keepMs: shared.retentionMs });
    if (collecting.kind === 'held' && scan.reports.length > 0) {
      const marks = openMarks(paths.openingFiles);
      const times = noTimeLimit;
      const ingest = startIngest({
        ...shared,
        runId: pass.start.id,
        quarantine,
        spool,
        leftovers: scan.reports,
        times,
        marks,
      });
      await ingest.drain();
      local = ingest.counts();
    }
  } finally {
    if (collecting.kind === 'held') collecting.release();
  }
  const { sealed } = storage;
  const dir = paths.encryptedStats;
  const counts = await ingestStored({
    ...shared,
    quarantine,
    sealed,
    dir,
    signal,
    marks: openMarks(paths.openingRows),
  });
  return {
    ...counts,
    stored: counts.stored + local.stored,
    duplicate: counts.duplicate + local.duplicate,
    quarantined: counts.quarantined + local.quarantined,
  };
}

/** One that did nothing leaves a row often enough to show that it lives, and no oftener. */
async function isWorthARow(result: IngestRunResult, { options, storage }: Pass): Promise<boolean> {
  const { stored, duplicate, quarantined, keyless, outcome } = result;
  if (stored + duplicate + quarantined + keyless > 0 || outcome !== 'finished') return true;
  const last = await storage.history.lastRun('ingest');
  return last === null || result.startedAtMs - last.startedAtMs >= options.config.collector.everyMs / 2;
}

/** Prunes in the place of a collector that opens nothing, and so may not. */
async function prune({ options, start, storage }: Pass): Promise<void> {
  const { config, now, observe } = options;
  await pruneInTime(options, start.startedAtMs, storage.retention);
  const removed = await storage.sealed.removeKeyless(now(), config.retention.rawMs);
  if (removed === 0) return;
  const message = `${removed} sealed reports went: they were older than what is kept, and no key here opened them`;
  observe({ kind: 'note', message });
}

async function leaveOverlapped(
  { now }: IngestRunOptions,
  start: RunStart,
  storage: Storage,
  holder: LockHolder | null,
): Promise<IngestRunResult> {
  const counts = { stored: 0, duplicate: 0, quarantined: 0, keyless: 0, clients: 0 };
  const result = resultOf(start, { outcome: 'overlapped', finishedAtMs: now(), counts, faults: [], holder });
  await storage.reports.endRun(start, endOf(result));
  return result;
}

interface Outcome extends Pick<IngestRunResult, 'outcome' | 'finishedAtMs' | 'faults' | 'holder'> {
  readonly counts: IngestStoredCounts;
}

function resultOf(start: RunStart, { counts, ...outcome }: Outcome): IngestRunResult {
  const isWhole = counts.quarantined + counts.keyless === 0 && outcome.outcome !== 'interrupted';
  return {
    runId: start.id,
    exitStatus: outcome.faults.some(({ code }) => code !== 'seal-no-key') ? 3 : isWhole ? 0 : 1,
    startedAtMs: start.startedAtMs,
    ...counts,
    ...outcome,
  };
}

/** Returns the end of the row of a pass that could not be made. */
function failedEnd({ id }: RunStart, finishedAtMs: number): RunEnd {
  return { id, outcome: 'failed', finishedAtMs, clients: 0, succeeded: 0, failed: 0, skipped: 0, ...processUse() };
}

/** Returns the end of the pass's row of `runs`. Its numbers count reports, but `clients` counts clients. */
function endOf(result: IngestRunResult): RunEnd {
  return {
    id: result.runId,
    outcome: result.outcome,
    finishedAtMs: result.finishedAtMs,
    clients: result.clients,
    succeeded: result.stored + result.duplicate,
    failed: result.quarantined,
    skipped: result.keyless,
    ...processUse(),
  };
}
