/**
 * A run over the fleet: visits every client, receives its sealed reports, opens and stores them.
 * Guarantees: a sealed report is on the client's disk or here until it is a row. One client's fault is a row and never
 * delays or fails another client. While the database is away, reports are collected nevertheless and wait sealed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError } from '../platform/errors/errors.ts';
import { takeLock } from '../state-folder/lock.ts';
import { jitterFraction } from '../platform/jitter.ts';
import { statePaths } from '../state-folder/paths.ts';
import { claimStateFolder } from '../state-folder/state-folder.ts';
import type { Storage } from '../storage/store/storage.ts';
import type { CollectOptions, CollectResult, CollectorRun } from './collect-options.ts';
import { loadCollectorId } from '../state-folder/collector-id.ts';
import { overlappedEnd, resultOf } from './run/collect-result.ts';
import { readSiteKey } from './forward/site-key.ts';
import { makeSiteRun } from './forward/site-run.ts';
import { documentsOf } from './inbox/origins.ts';
import { takeOverJournals } from './inbox/older-folders.ts';
import { endKilledRuns, runDocuments } from './inbox/run-documents.ts';
import { loadKeyRing, loadSealingRing, loadSiteRing } from './keys/key-ring.ts';
import { removeOldParts } from '../state-folder/durable-file.ts';
import { makeDryRun } from './run/dry-run.ts';
import { makeRun } from './run/make-run.ts';
import type { RunStart } from '../storage/store/run.ts';

/**
 * Makes one run. Never throws for a client's fault; throws FleetError (exit status 3) when the run cannot be made:
 * `state-unusable`, `keys-invalid`. If another one is active, records a run `overlapped` and returns the holder of the
 * lock.
 */
export async function collect(options: CollectOptions): Promise<CollectResult> {
  const startedAtMs = options.now();
  const paths = statePaths(options.config.stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys', 'encryptedStats', 'inbox', 'olderJournal']);
  const start: RunStart = {
    id: randomUUID(),
    program: 'collect',
    collectorId: loadCollectorId(paths.collectorId),
    host: options.host,
    scope: options.only === null ? 'full' : 'filtered',
    configDigest: options.config.digest,
    startedAtMs,
  };
  const { forward } = options.config.collector;
  const site = forward === null ? null : { to: forward, key: readSiteKey(forward.keyFile) };
  const prepare = (): CollectorRun => {
    const opens = options.open ?? options.config.collector.open;
    const keyRing =
      site !== null
        ? loadSiteRing(paths, site.key.publicKey, startedAtMs)
        : opens
          ? loadKeyRing(paths, startedAtMs)
          : loadSealingRing(paths, startedAtMs);
    if (keyRing.made)
      options.observe({ kind: 'note', message: `made key pair ${keyRing.sealing.id} in ${paths.keys}` });
    return { ...options, paths, start, keyRing };
  };
  if (options.dryRun) return await makeDryRun(prepare());

  const lock = await takeLock({ file: paths.lock, nowMs: startedAtMs });
  if (lock.kind === 'taken') return await leaveOverlapped(options, start, lock.holder);
  try {
    const { dir, keys, publicKeys, retiredKeys, lastGood } = paths;
    const documents = documentsOf(paths, { kind: 'collector' });
    removeOldParts([dir, keys, publicKeys, retiredKeys, documents, lastGood], startedAtMs);
    takeUpRecords(options, documents, startedAtMs);
    if (options.spreadStart === true) {
      const { config, signal } = options;
      // A run that is aborted meanwhile has to write a row nevertheless.
      await sleep(startDelayMs(start.collectorId, config.clients.length), undefined, { signal }).catch(() => undefined);
    }
    return site === null ? await makeRun(prepare()) : await makeSiteRun({ ...site, run: prepare() });
  } finally {
    lock.release();
  }
}

/** Ends the records of killed runs, and takes over those of the version before. A full disk only delays both. */
function takeUpRecords({ config, observe }: CollectOptions, folder: string, nowMs: number): void {
  try {
    takeOverJournals(statePaths(config.stateDir), nowMs, (message) => observe({ kind: 'note', message }));
    endKilledRuns(folder, nowMs);
  } catch (thrown) {
    observe({ kind: 'fault', fault: asFleetError(thrown, { code: 'state-unusable', stage: 'run' }) });
  }
}

const maxDelayMs = 2000;
const delayPerClientMs = 50;

/**
 * Returns how long a collector that cron started waits before it begins, because cron starts all collectors of a site
 * in the same second. The delay follows from the collector's id, so that its runs stay `every` apart. Up to 2 s, less
 * for few clients.
 */
export function startDelayMs(collectorId: string, clients: number): number {
  return Math.round(jitterFraction(`start ${collectorId}`) * Math.min(maxDelayMs, clients * delayPerClientMs));
}

/** The time limit for the row of a run that did nothing. */
const overlappedMs = 10_000;

/** Ends a run at once because another run holds the lock. Records this, in the inbox if necessary. */
async function leaveOverlapped(
  options: CollectOptions,
  start: RunStart,
  holder: CollectResult['holder'],
): Promise<CollectResult> {
  const { now, config } = options;
  const end = overlappedEnd({ start, now });
  let storage: Storage | null = null;
  try {
    storage = await options.openStorage({
      signal: AbortSignal.timeout(overlappedMs),
      onMigrating: () => undefined,
      onNote: () => undefined,
    });
    await storage.reports.endRun(start, end);
  } catch {
    try {
      const folder = documentsOf(statePaths(config.stateDir), { kind: 'collector' });
      runDocuments(folder, start).end(end);
    } catch {
      // The result shows that another run holds the lock.
    }
  } finally {
    await storage?.close();
  }
  return resultOf(start.startedAtMs, { end, holder });
}
