import { secondMs } from '../../platform/units.ts';
import { holdLock } from '../../state-folder/lock.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';

/** The time limit of the wait: another command holds the lock for a moment, or for seconds if the disk is busy. */
const waitMs = 30 * secondMs;

/**
 * Claims the state folder, and changes a file of tokens or keys in it under a lock. Throws FleetError `locked` if
 * another command holds the lock.
 */
export async function changeTokens<T>(paths: StatePaths, signal: AbortSignal, change: () => T): Promise<T> {
  claimStateFolder(paths, []);
  const message = (): string => 'another command changes the tokens';
  const release = await holdLock({ file: paths.tokensLock, message, waitMs, signal });
  try {
    return change();
  } finally {
    release();
  }
}
