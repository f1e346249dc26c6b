import type { SpooledReport } from '../spool/sealed-spool.ts';

/** How long what there is to store may take, counted from the queue's beginning. */
export interface IngestTimes {
  /** So long what earlier runs left goes alone: a short absence of the database is made up for in order. */
  readonly aloneMs: number;
  /** After that it waits for the next run. */
  readonly leftoversMs: number;
  /** After that everything does. */
  readonly allMs: number;
}

/** Which sealed files are stored next. */
export interface IngestQueue {
  /** At most so many; none: nothing is left that may be stored now. */
  next(size: number): SpooledReport[];
  add(report: SpooledReport): void;
  /** Read for a batch that was full already: the first of the next one. */
  hold(reports: readonly SpooledReport[]): void;
  /** Before all others that came in this run. */
  putBack(reports: readonly SpooledReport[]): void;
  /** Lets what earlier runs left wait for the next run. */
  putOffLeftovers(): void;
  /** Lets files be taken that were open when an earlier run died: after all others, and each alone. */
  releaseSuspects(): void;
  /** What `next` may still hand out. */
  size(): number;
  /** Of those: what earlier runs left. */
  leftovers(): number;
  /** Leftovers that were put off. */
  putOff(): number;
  /** All of the time is over. */
  isOver(): boolean;
}

export interface IngestQueueOptions {
  /** What earlier runs left, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  /** Files that were open when an earlier run died. Left out: none. */
  readonly suspects?: readonly SpooledReport[];
  readonly times: IngestTimes;
}

/**
 * What earlier runs left comes first, oldest first, so that each client's history is told in order. When that takes long,
 * every other batch is of this run, so that a backlog of days does not keep the present out of the database; and it ends
 * in time for the next run.
 */
export function createIngestQueue({ leftovers, suspects: shunned = [], times }: IngestQueueOptions): IngestQueue {
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
    hold: (reports) => void held.push(...reports),
    putBack: (reports) => void fresh.unshift(...reports),
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
