import type { StorageFault } from '../../sql/fault.ts';
import { isWaitOver } from './faults.ts';

/** What a transaction came to, and what had been tried before. */
export interface Failure {
  readonly fault: StorageFault;
  /** From 1. */
  readonly attempt: number;
  /** How long ago the first attempt failed. */
  readonly failingMs: number;
  /** How many servers there are. */
  readonly servers: number;
  /** The session had been of use before this attempt. */
  readonly reused: boolean;
  /** A server has let us in since the program began. */
  readonly wasConnected: boolean;
}

/** What follows; null: it is a fault. */
export interface Retry {
  /** At the next server, with a session of its own. */
  readonly elsewhere: boolean;
  readonly pauseMs: number;
}

/** A transaction is made so often at one server. */
const attemptsAtOne = 3;
/**
 * A Galera cluster that has lost a node says no to everything until it is sure of that, which takes 5 s
 * (`evs.suspect_timeout`), or 15 s (`evs.inactive_timeout`) where the others are not of one mind.
 */
const clusterMs = 30_000;
const leastPauseMs = 250;
const mostPauseMs = 2_000;

/** Whether a transaction that failed is made again, where and when. */
export function retryOf(failure: Failure): Retry | null {
  const { fault, attempt, failingMs, servers, reused, wasConnected } = failure;
  const { kind } = fault;
  if (servers === 1) {
    const mayAgain = kind === 'contended' || kind === 'duplicate' || (kind === 'lost' && reused);
    return mayAgain && attempt < attemptsAtOne ? { elsewhere: false, pauseMs: 0 } : null;
  }
  const pauseMs = Math.min(mostPauseMs, leastPauseMs * 2 ** (attempt - 1));
  // A node that lags behind its cluster, or has left it, has a neighbour that has not.
  if (kind === 'lost' || (kind === 'contended' && isWaitOver(fault))) {
    // Before one of them was of use there is no reason to wait: all of them have been asked.
    return failingMs < clusterMs && wasConnected ? { elsewhere: true, pauseMs } : null;
  }
  // What is read-only or full here need not be so there.
  if (kind === 'full' || kind === 'read-only') return attempt < servers + 1 ? { elsewhere: true, pauseMs } : null;
  const mayAgain = kind === 'contended' || kind === 'duplicate';
  return mayAgain && attempt < attemptsAtOne + servers ? { elsewhere: false, pauseMs } : null;
}
