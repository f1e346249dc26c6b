import type { CollectorConfig } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';

/** The time limits for the database. A slow database costs no visits and no later run. */
export interface StorageLimits {
  /** Before the visits, until the database is open, has taken the journals and returned the facts of the clients. */
  readonly prepareMs: number;
  /** The part of it for journals. */
  readonly replayMs: number;
  /** The time for leftovers, from the run's beginning: the run's deadline. */
  readonly leftoversMs: number;
  /** The time for everything, from the run's beginning. */
  readonly allMs: number;
}

const leastMs = 10 * secondMs;
const mostMs = minuteMs;

/** Returns an eighth of the run's deadline before the visits and after them; 10 s at least, a minute at most. */
export function storageLimits({ runDeadlineMs }: Pick<CollectorConfig, 'runDeadlineMs'>): StorageLimits {
  const shareMs = Math.min(mostMs, Math.max(leastMs, runDeadlineMs / 8));
  return { prepareMs: shareMs, replayMs: shareMs / 2, leftoversMs: runDeadlineMs, allMs: runDeadlineMs + shareMs };
}

export type StorageTime = ReturnType<typeof startStorageTime>;

/** Starts the time limit of all work with the database in one run. */
export function startStorageTime() {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    /** Ends the work under way and all later work. */
    signal: controller.signal,
    /** Ends it after so long from now, in place of any earlier limit; null: no limit. */
    endIn: (ms: number | null): void => {
      clearTimeout(timer);
      if (ms !== null) timer = setTimeout(() => controller.abort(), Math.max(0, ms));
    },
    /** Replaces the error of work that this limit ended by one that says so. Returns other errors unchanged. */
    explain: (fault: FleetError): FleetError => {
      if (!controller.signal.aborted || fault.code !== 'interrupted') return fault;
      const message = 'the database is too slow for this run; what it has not taken waits for the next';
      return new FleetError({ code: 'storage-unavailable', stage: 'storage', message, cause: fault });
    },
  };
}
