import type { StorageFault } from '../../sql/fault.ts';
import { isWaitOver } from './faults.ts';

/** A transaction that failed, and the attempts before it. */
export interface Failure {
  readonly fault: StorageFault;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The time since the first attempt failed. */
  readonly failingMs: number;
  /** The number of servers in the URL. */
  readonly servers: number;
  /** True if the session had worked before this attempt. */
  readonly reused: boolean;
  /** True if a server has accepted the login since the program began. */
  readonly wasConnected: boolean;
  /** True if the server is a node of MySQL's group replication. */
  readonly isOfGroup: boolean;
}

/** The next attempt. */
export interface Retry {
  /** True if the attempt is made at the next server, with a session of its own. */
  readonly elsewhere: boolean;
  readonly pauseMs: number;
}

/** The most attempts at one server. */
const attemptsAtOne = 3;
/** The most attempts at one server of a transaction that deadlocks, within four seconds. */
const attemptsInDeadlock = 6;
/**
 * The time for which a cluster that has lost a node may refuse everything. Galera needs 5 s to agree on the loss
 * (`evs.suspect_timeout`), or 15 s if the other nodes disagree (`evs.inactive_timeout`). Group replication needs 10 s
 * to elect another primary (`group_replication_member_expel_timeout`), and all nodes are read-only meanwhile.
 */
const clusterMs = 30_000;
const minPauseMs = 250;
const maxPauseMs = 2_000;

/** Returns where and when a failed transaction is repeated; `null` if it is not repeated. */
export function retryOf(failure: Failure): Retry | null {
  const { fault, attempt, failingMs, servers, reused, wasConnected, isOfGroup } = failure;
  const { kind } = fault;
  if (servers === 1) {
    // A deadlock ends the transaction at once: writers that meet again and again have to make room for each other.
    if (kind === 'contended' && !isWaitOver(fault)) {
      const pauseMs = attempt === 1 ? 0 : pauseAfter(attempt - 1);
      return attempt < attemptsInDeadlock ? { elsewhere: false, pauseMs } : null;
    }
    const mayAgain = kind === 'contended' || kind === 'duplicate' || (kind === 'lost' && reused);
    return mayAgain && attempt < attemptsAtOne ? { elsewhere: false, pauseMs: 0 } : null;
  }
  const pauseMs = pauseAfter(attempt);
  const isElecting = kind === 'read-only' && isOfGroup;
  // Another node may be up to date if this one lags behind its cluster or has left it.
  if (kind === 'lost' || isElecting || (kind === 'contended' && isWaitOver(fault))) {
    // All servers have been tried. A wait is useless if none of them has ever worked.
    return failingMs < clusterMs && wasConnected ? { elsewhere: true, pauseMs } : null;
  }
  // Another server need not be read-only or full.
  if (kind === 'full' || kind === 'read-only') return attempt < servers + 1 ? { elsewhere: true, pauseMs } : null;
  const mayAgain = kind === 'contended' || kind === 'duplicate';
  return mayAgain && attempt < attemptsAtOne + servers ? { elsewhere: false, pauseMs } : null;
}

/** Returns the pause after so many attempts. It doubles from one to the next. */
function pauseAfter(attempts: number): number {
  return Math.min(maxPauseMs, minPauseMs * 2 ** (attempts - 1));
}
