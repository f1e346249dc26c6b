import type { SpooledReport } from '../spool/sealed-spool.ts';

/** Time limits for storing, counted from the queue's beginning. */
export interface IngestTimes {
  /** Leftovers of earlier runs go alone for so long. A short absence of the database is made up for in order. */
  readonly aloneMs: number;
  /** After this leftovers wait for the next run. */
  readonly leftoversMs: number;
  /** After this everything waits. */
  readonly allMs: number;
}

export const noTimeLimit: IngestTimes = { aloneMs: Infinity, leftoversMs: Infinity, allMs: Infinity };

/** The order in which sealed files are stored. */
export interface IngestQueue {
  /** Takes at most so many reports. None: nothing is left that may be stored now. */
  next(size: number): SpooledReport[];
  add(report: SpooledReport): void;
  /** Puts reports that were not stored in front of all others. */
  hold(reports: readonly SpooledReport[]): void;
  /** Leaves the leftovers of earlier runs to the next run. */
  putOffLeftovers(): void;
  /** Allows files to be taken that were open when an earlier run died: after all others, and each alone. */
  releaseSuspects(): void;
  /** The number of reports that `next` may still return. */
  size(): number;
  /** The leftovers among them. */
  leftovers(): number;
  /** The leftovers that wait for the next run. */
  putOff(): number;
  /** True if `allMs` is over. */
  isOver(): boolean;
}

export interface IngestQueueOptions {
  /** The reports that earlier runs left, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  /** Files that were open when an earlier run died. */
  readonly suspects: readonly SpooledReport[];
  readonly times: IngestTimes;
}

/**
 * Returns leftovers first, oldest first, so that each client's history is stored in order. After `aloneMs` every other
 * batch is of this run, so that a backlog of days does not keep the present out of the database.
 */
export function createIngestQueue({ leftovers, suspects: shunned, times }: IngestQueueOptions): IngestQueue {
  const begunAt = performance.now();
  const old = [...leftovers].reverse();
  const fresh: SpooledReport[] = [];
  let held: SpooledReport[] = [];
  let putOff = 0;
  let suspects = [...shunned];
  let mayTakeSuspects = false;
  let wasOld = false;
  const isAfter = (ms: number): boolean => performance.now() - begunAt >= ms;
  const putOffLeftovers = (): void => {
    putOff += old.length + suspects.length;
    old.length = 0;
    suspects = [];
  };
  const oldest = (count: number): SpooledReport[] => (count > 0 ? old.splice(-count).reverse() : []);
  return {
    next: (size) => {
      if (isAfter(times.leftoversMs)) putOffLeftovers();
      if (mayTakeSuspects && held.length + old.length + fresh.length === 0) return suspects.splice(0, 1);
      const batch = held;
      held = [];
      const left = Math.max(0, size - batch.length);
      if (isAfter(times.aloneMs) && old.length > 0 && fresh.length > 0) {
        wasOld = !wasOld;
        return [...batch, ...(wasOld ? oldest(left) : fresh.splice(0, left))];
      }
      batch.push(...oldest(left));
      return [...batch, ...fresh.splice(0, Math.max(0, size - batch.length))];
    },
    add: (report) => void fresh.push(report),
    hold: (reports) => void held.unshift(...reports),
    putOffLeftovers,
    releaseSuspects: () => {
      mayTakeSuspects = true;
    },
    size: () => held.length + old.length + fresh.length + (mayTakeSuspects ? suspects.length : 0),
    leftovers: () => old.length,
    putOff: () => putOff + (mayTakeSuspects ? 0 : suspects.length),
    isOver: () => isAfter(times.allMs),
  };
}
