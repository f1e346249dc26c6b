import { setTimeout as sleep } from 'node:timers/promises';

import { FleetError } from '../../errors.ts';
import { takeLock } from '../../state/lock.ts';
import type { StatePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';

/** Half a minute of attempts: another command holds the lock for a moment, or for seconds if the disk is busy. */
const lockAttempts = 600;
const lockPauseMs = 50;

/**
 * Claims the state folder, and changes a file of tokens or keys in it under a lock. Throws FleetError `locked` if
 * another command holds the lock.
 */
export async function changeTokens<T>(paths: StatePaths, signal: AbortSignal, change: () => T): Promise<T> {
  claimStateFolder(paths, []);
  for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
    if (attempt > 0) await sleep(lockPauseMs, undefined, { signal });
    const lock = await takeLock({ file: paths.tokensLock, nowMs: Date.now() });
    if (lock.kind === 'taken') continue;
    try {
      return change();
    } finally {
      lock.release();
    }
  }
  throw new FleetError({ code: 'locked', stage: 'lock', message: 'another command changes the tokens' });
}
