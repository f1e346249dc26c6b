import type { CollectorConfig } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { minuteMs, secondMs } from '../../platform/units.ts';
import type { IngestTimes } from '../ingest/ingest-queue.ts';

/** The time limits for the database, so that a slow database costs no visits and no later run. */
export interface StorageLimits {
  /**
   * The time before the visits until the database is open, has stored the documents of the inbox and returned the facts
   * of the clients.
   */
  readonly prepareMs: number;
  /** The part of prepareMs for the documents of the inbox. */
  readonly inboxMs: number;
  /** The time for leftovers, from the run's beginning: the run's deadline. */
  readonly leftoversMs: number;
  /** The time for everything, from the run's beginning. */
  readonly allMs: number;
}

/** The time that a run takes at most for rejecting what one site, or one client, has brought. */
const rejectedMs = secondMs / 4;

/** The time for documents before the visits. What is left is stored after them. */
const maxInboxMs = secondMs;

const minMs = 10 * secondMs;
const maxMs = minuteMs;

/**
 * Returns the time limits for the database: an eighth of the run's deadline before the visits and after them, at least
 * 10 s and at most a minute.
 */
export function storageLimits({ runDeadlineMs }: Pick<CollectorConfig, 'runDeadlineMs'>): StorageLimits {
  const shareMs = Math.min(maxMs, Math.max(minMs, runDeadlineMs / 8));
  return { prepareMs: shareMs, inboxMs: maxInboxMs, leftoversMs: runDeadlineMs, allMs: runDeadlineMs + shareMs };
}

/** Returns the limits for storing reports. `leftMs` returns what is left of a time from the run's beginning. */
export function ingestTimes(limits: StorageLimits, leftMs: (ms: number) => number): IngestTimes {
  const { prepareMs: aloneMs, leftoversMs, allMs } = limits;
  return { aloneMs, leftoversMs: leftMs(leftoversMs), allMs: leftMs(allMs), rejectedMs };
}

export type StorageTime = ReturnType<typeof startStorageTime>;

/** Starts the time limit of all work with the database in one run. */
export function startStorageTime() {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    /** Aborted to end the present and all later work. */
    signal: controller.signal,
    /** Sets the time from now after which the signal is aborted, in place of any earlier limit; null: no limit. */
    endIn: (ms: number | null): void => {
      clearTimeout(timer);
      if (ms !== null) timer = setTimeout(() => controller.abort(), Math.max(0, ms));
    },
    /** Replaces the error of work that this limit ended by the limit's own error. Returns other errors unchanged. */
    explain: (fault: FleetError): FleetError => {
      if (!controller.signal.aborted || fault.code !== 'interrupted') return fault;
      const message = 'the database is too slow for this run; what it has not taken waits for the next';
      return new FleetError({ code: 'storage-unavailable', stage: 'storage', message, cause: fault });
    },
  };
}
