import { number, type RecordOf, recordShape, text, time, timeOrNull } from './record-shape.ts';

/** A collector that shares the fleet of its site with others. */
export const seenCollector = recordShape({
  id: text,
  site: text,
  host: text,
  /** The key to which the collector seals. */
  keyId: text,
  /** The weight of the collector: its number of processors. */
  capacity: number,
  seenAtMs: time,
});
export type SeenCollector = RecordOf<typeof seenCollector>;
export type SharingCollector = Omit<SeenCollector, 'seenAtMs'>;

/** The number of slices of a site. A slice is one byte of a hash of the client's name. */
export const sliceCount = 256;

/**
 * The part of `every` after which a run begins the next cycle. It is less than 1 because cron may be late and clocks
 * differ.
 */
export const nextCycleAfter = 0.7;

/** The number of intervals `every` after which an absent collector has no slices of its own. */
export const goneAfter = 3;

/** A part of a site's clients, by their names. */
export const storedSlice = recordShape({
  site: text,
  slice: number,
  /** Incremented by each claim. */
  epoch: number,
  /** The last collector that claimed the slice; '' if none has. */
  holder: text,
  /** The cycle of the last claim. */
  cycle: number,
  /** The time until which no other collector may claim the slice, by the database's clock. */
  untilMs: time,
  /** The time when all clients of the slice had been visited in that cycle; `null` if some have not. */
  doneAtMs: timeOrNull,
});
export type Slice = RecordOf<typeof storedSlice>;

/** A round over all clients of a site. It begins with the first run of any of its collectors. */
export interface Cycle {
  readonly number: number;
  readonly beganAtMs: number;
  readonly nowMs: number;
}

export interface SliceClaim {
  readonly slice: Slice;
  readonly holder: string;
  readonly cycle: number;
  /** The time by the database's clock; a whole number. */
  readonly untilMs: number;
  /** The latest believable end of a claim: a slice held until later is free, because a clock was wrong. */
  readonly farMs: number;
}

/** The number of clients that a run has reached, and of those that it has not. */
export const storedReach = recordShape({ succeeded: number, failed: number });
export type Reach = RecordOf<typeof storedReach>;

/** A collector with its part of a site. */
export interface CollectorShare extends Pick<SeenCollector, 'id' | 'host' | 'seenAtMs'> {
  /** The number of slices that the collector was the last to claim. */
  readonly slices: number;
}

/** A site whose clients several collectors share. */
export interface SiteShare {
  readonly site: string;
  readonly slices: number;
  /** The number of the newest cycle. */
  readonly cycle: number;
  /** The time at which the cycle began. */
  readonly beganAtMs: number;
  /** The number of slices all of whose clients were visited in the cycle. */
  readonly visited: number;
  readonly collectors: readonly CollectorShare[];
}

/** The collectors that share a fleet, and its slices. Times are by the database's clock. */
export interface ShareStore {
  /** Returns the database's clock. */
  nowMs(): Promise<number>;
  /**
   * Stores that this collector is at work, and creates the slices of its site. Begins a cycle if the newest one began
   * nearly `everyMs` before this run, otherwise joins the newest. Runs that wait for a database during a failover still
   * belong to the cycle of their start: `sinceStartMs` returns the time since then.
   */
  join(collector: SharingCollector, everyMs: number, sinceStartMs?: () => number): Promise<Cycle>;
  /** Returns the collectors of a site that were seen since a time. */
  collectors(site: string, sinceMs: number): Promise<readonly SeenCollector[]>;
  /**
   * Returns how many clients the two newest finished full runs of a collector have reached, newest first. Omits runs
   * without visits.
   */
  lastReaches(id: string): Promise<readonly Reach[]>;
  /** Returns the slices of a site. */
  slices(site: string): Promise<readonly Slice[]>;
  /** Returns the part of each site that each collector has, for collectors that were seen since a time. */
  sites(sinceMs: number): Promise<readonly SiteShare[]>;
  /**
   * Claims a free slice if it is still as it was read. Returns false if another collector was faster. A repeated call
   * after a lost answer returns the same.
   */
  claim(claim: SliceClaim): Promise<boolean>;
  /** Gives back the slices that a run claimed, because all their clients were visited. */
  finish(claimed: Pick<SliceClaim, 'holder' | 'cycle' | 'untilMs'> & Pick<Slice, 'site'>): Promise<void>;
}
