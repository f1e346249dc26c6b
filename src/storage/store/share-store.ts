/** A collector that shares the fleet of its site with others. */
export interface SharingCollector {
  readonly id: string;
  readonly site: string;
  readonly host: string;
  /** The key that it seals to. */
  readonly keyId: string;
  /** The weight of the collector: the number of its processors. */
  readonly capacity: number;
}

export interface SeenCollector extends SharingCollector {
  readonly seenAtMs: number;
}

/** The slices of a site. A slice is a byte of a hash of the client's name. */
export const sliceCount = 256;

/**
 * A run that begins so much of `every` after the last cycle begins the next one: no cron is so late, and clocks differ.
 */
export const nextCycleAfter = 0.7;

/** A collector that was not seen for so many times `every` has no slices of its own. */
export const goneAfter = 3;

/** A part of a site's clients, by their names. */
export interface Slice {
  readonly site: string;
  readonly slice: number;
  /** Grows with each claim. */
  readonly epoch: number;
  /** The collector that had it last; '' if none has. */
  readonly holder: string;
  /** The cycle it was claimed for last. */
  readonly cycle: number;
  /** The time until which nobody else may have it, by the database's clock. */
  readonly untilMs: number;
  /** The time when all its clients had been visited in that cycle; `null` if they have not. */
  readonly doneAtMs: number | null;
}

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
  /** A slice that is held until later than this is free: a clock was wrong. */
  readonly farMs: number;
}

/** The clients that a run has reached, and those that it has not. */
export interface Reach {
  readonly succeeded: number;
  readonly failed: number;
}

/** A collector with its part of a site. */
export interface CollectorShare extends Pick<SeenCollector, 'id' | 'host' | 'seenAtMs'> {
  /** The slices that it was the last to claim. */
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
  /** The slices all of whose clients were visited in it. */
  readonly visited: number;
  readonly collectors: readonly CollectorShare[];
}

/** Collectors that share a fleet, and its slices. Times are those of the database's clock. */
export interface ShareStore {
  /** Returns the database's clock. */
  nowMs(): Promise<number>;
  /**
   * Stores that this collector is at work, and makes the slices of its site. Begins a cycle if the newest one began
   * nearly `everyMs` before this run, else joins that. Runs that wait for a database that fails over still belong to
   * the cycle of their start: `sinceStartMs` says how long ago it was.
   */
  join(collector: SharingCollector, everyMs: number, sinceStartMs?: () => number): Promise<Cycle>;
  /** Returns the collectors of a site that were seen since a time. */
  collectors(site: string, sinceMs: number): Promise<readonly SeenCollector[]>;
  /** Returns how many clients the two newest full runs of a collector that asked some have reached, newest first. */
  lastReaches(id: string): Promise<readonly Reach[]>;
  /** Returns the slices of a site. */
  slices(site: string): Promise<readonly Slice[]>;
  /** Returns who has which part of each site, of collectors that were seen since a time. */
  sites(sinceMs: number): Promise<readonly SiteShare[]>;
  /**
   * Takes a slice that nobody has, if it is still as it was read. Returns false if another collector was faster. Says
   * the same when it is made again because the answer was lost.
   */
  claim(claim: SliceClaim): Promise<boolean>;
  /** Gives back the slices that a run claimed: all their clients were visited. */
  finish(claimed: Pick<SliceClaim, 'holder' | 'cycle' | 'untilMs'> & Pick<Slice, 'site'>): Promise<void>;
}
