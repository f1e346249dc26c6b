import type { SpooledReport } from '../sealed-reports/sealed-names.ts';
import { append } from '../../platform/group-by.ts';

/** The time limits for storing, counted from the queue's beginning. */
export interface IngestTimes {
  /**
   * The time in which only leftovers of earlier runs are stored, so that a short absence of the database is made up for
   * in order.
   */
  readonly aloneMs: number;
  /** The time after which leftovers wait for the next run. */
  readonly leftoversMs: number;
  /** The time after which everything waits. */
  readonly allMs: number;
  /** The time for rejecting reports of one origin. Its other leftovers wait after that. */
  readonly rejectedMs: number;
}

export const noTimeLimit: IngestTimes = {
  ...{ aloneMs: Infinity, leftoversMs: Infinity, allMs: Infinity },
  rejectedMs: Infinity,
};

export interface IngestQueueOptions {
  /** The reports of earlier runs that wait, oldest first. */
  readonly leftovers: readonly SpooledReport[];
  /** The files that were open when an earlier run died. */
  readonly suspects: readonly SpooledReport[];
  readonly times: IngestTimes;
}

/**
 * Creates the order in which sealed files are stored: leftovers first, oldest first, so that each client's history is
 * stored in order. After `aloneMs` every other batch is of this run, so that a backlog of days does not delay new
 * reports.
 */
export function createIngestQueue({ leftovers, suspects: shunned, times }: IngestQueueOptions) {
  const begunAt = performance.now();
  let old = leftovers.toReversed();
  const fresh: SpooledReport[] = [];
  let held: SpooledReport[] = [];
  let putOff = 0;
  let suspects = [...shunned];
  let mayTakeSuspects = false;
  let wasOld = false;
  const isAfter = (ms: number): boolean => performance.now() - begunAt >= ms;
  /** Leaves the leftovers of earlier runs to the next run. */
  const putOffLeftovers = (): void => {
    putOff += old.length + suspects.length;
    old = [];
    suspects = [];
  };
  const oldest = (count: number): SpooledReport[] => (count > 0 ? old.splice(-count).reverse() : []);
  return {
    /** Returns at most `size` reports; none if nothing may be stored now. */
    next: (size: number): readonly SpooledReport[] => {
      if (isAfter(times.leftoversMs)) putOffLeftovers();
      if (mayTakeSuspects && held.length + old.length + fresh.length === 0) return suspects.splice(0, 1);
      const batch = held;
      held = [];
      const left = Math.max(0, size - batch.length);
      if (isAfter(times.aloneMs) && old.length > 0 && fresh.length > 0) {
        wasOld = !wasOld;
        return [...batch, ...(wasOld ? oldest(left) : fresh.splice(0, left))];
      }
      append(batch, oldest(left));
      return [...batch, ...fresh.splice(0, Math.max(0, size - batch.length))];
    },
    add: (report: SpooledReport): void => void fresh.push(report),
    /** Puts reports that were not stored before all others. */
    hold: (reports: readonly SpooledReport[]): void => {
      held = [...reports, ...held];
    },
    putOffLeftovers,
    /** Leaves some of the leftovers to the next run. Returns their number. */
    putOffThose: (isOne: (report: SpooledReport) => boolean): number => {
      const others = old.filter((report) => !isOne(report));
      const count = old.length - others.length;
      old = others;
      putOff += count;
      return count;
    },
    /** Allows files that were open when an earlier run died: after all others, and each alone. */
    releaseSuspects: (): void => void (mayTakeSuspects = true),
    /** Returns the number of reports that `next` may still return. */
    size: (): number => held.length + old.length + fresh.length + (mayTakeSuspects ? suspects.length : 0),
    /** Returns the number of leftovers among these reports. */
    leftovers: (): number => old.length,
    /** Returns the number of leftovers that wait for the next run. */
    putOff: (): number => putOff + (mayTakeSuspects ? 0 : suspects.length),
    /** True if the time `allMs` is over. */
    isOver: (): boolean => isAfter(times.allMs),
  };
}
