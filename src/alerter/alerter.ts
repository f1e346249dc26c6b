/**
 * Runs a pass over the unprocessed rows: evaluates them, plans notifications, and sends mails.
 *
 * Guarantees: a due mail is a row until the mail server has accepted it. Processed rows and states are stored in one
 * transaction, mails and their notifications in another, so a crash repeats nothing but a Message-ID. Notifications are
 * the difference between each recipient's last notification and the state, so the next pass sends those that a pass
 * missed. Evaluation, planning and composing are pure functions; `now` is an argument.
 */
import { randomUUID } from 'node:crypto';

import { takeLock, type LockHolder } from '../state-folder/lock.ts';
import { statePaths } from '../state-folder/paths.ts';
import { claimStateFolder } from '../state-folder/state-folder.ts';
import type { Storage } from '../storage/store/storage.ts';
import { emptyResult, runEndOf, type AlertOptions, type AlertResult } from './alert-options.ts';
import { makeAlertPass } from './pass/alert-pass.ts';
import type { RunStart } from '../storage/store/run.ts';

/**
 * Makes one pass. Ends at once as `overlapped` if another pass is under way, here or on another machine. Throws
 * FleetError (exit status 3) if the pass cannot be made: `state-unusable`, or an error of the storage.
 */
export async function alert(options: AlertOptions): Promise<AlertResult> {
  const start: RunStart = {
    id: randomUUID(),
    program: 'alert',
    // Runs of the alerter belong to no collector.
    collectorId: '',
    host: options.host,
    scope: 'full',
    configDigest: options.config.digest,
    startedAtMs: options.now(),
  };
  const paths = statePaths(options.config.stateDir);
  const makePass = (): Promise<AlertResult> =>
    withStorage(options, (storage) => makeAlertPass({ ...options, start, storage }));
  if (options.dryRun) return await makePass();
  claimStateFolder(paths, ['outbox']);
  const lock = await takeLock({ file: paths.alertLock, nowMs: start.startedAtMs });
  if (lock.kind === 'taken') return await leaveOverlapped(options, start, lock.holder);
  try {
    return await makePass();
  } finally {
    lock.release();
  }
}

async function withStorage(
  { openStorage }: AlertOptions,
  work: (storage: Storage) => Promise<AlertResult>,
): Promise<AlertResult> {
  const storage = await openStorage();
  try {
    return await work(storage);
  } finally {
    await storage.close().catch(() => undefined);
  }
}

/** Records that another pass is under way, if the database can be reached. */
async function leaveOverlapped(
  options: AlertOptions,
  start: RunStart,
  locked: LockHolder | null,
): Promise<AlertResult> {
  const holder = locked === null ? null : { ...locked, host: options.host };
  const result = { ...emptyResult(start, 'overlapped', options.now()), holder };
  await withStorage(options, async ({ reports }) => {
    await reports.endRun(start, runEndOf(result));
    return result;
  }).catch(() => undefined);
  return result;
}
