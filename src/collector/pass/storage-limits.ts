import type { CollectorConfig } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { minuteMs } from '../../platform/units.ts';

/** How long a run waits for the database, so that one that is slow costs no visits and no later run. */
export interface StorageLimits {
  /** Before the visits: until it is open, told of earlier runs and has said what it knows of the clients. */
  readonly prepareMs: number;
  /** Of that: for telling it of earlier runs. */
  readonly replayMs: number;
  /** From the run's beginning, for what earlier runs left: the run's deadline. */
  readonly leftoversMs: number;
  /** From the run's beginning, for all. */
  readonly allMs: number;
}

const leastMs = 10_000;
const mostMs = minuteMs;

/** An eighth of the run's deadline before the visits and after it; 10 s at least, a minute at most. */
export function storageLimits({ runDeadlineMs }: Pick<CollectorConfig, 'runDeadlineMs'>): StorageLimits {
  const shareMs = Math.min(mostMs, Math.max(leastMs, runDeadlineMs / 8));
  return { prepareMs: shareMs, replayMs: shareMs / 2, leftoversMs: runDeadlineMs, allMs: runDeadlineMs + shareMs };
}

/** What is done with the database in one run, and its end. */
export interface StorageTime {
  /** Ends all that is under way and all that would follow. */
  readonly signal: AbortSignal;
  /** Ends it after so long, counted from now, in place of what was said before; null: not by itself. */
  endIn(ms: number | null): void;
  /** A fault that only says that this ended, in the words of what it means; any other unchanged. */
  explain(fault: FleetError): FleetError;
}

export function startStorageTime(): StorageTime {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: controller.signal,
    endIn: (ms) => {
      clearTimeout(timer);
      if (ms !== null) timer = setTimeout(() => controller.abort(), Math.max(0, ms));
    },
    explain: (fault) => {
      if (!controller.signal.aborted || fault.code !== 'interrupted') return fault;
      const message = 'the database is too slow for this run; what it has not taken waits for the next';
      return new FleetError({ code: 'storage-unavailable', stage: 'storage', message, cause: fault });
    },
  };
}
