import type { Report, WorkerReport } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import type { Source } from './source.ts';

/** The input of the probes. */
export interface CollectOptions {
  readonly source: Source;
  readonly options: ProbeOptions;
  /** The counters of the previous visit; null if there are none. Counters of another boot are useless. */
  readonly previous: Counters | null;
  /** The content of /proc/sys/kernel/random/boot_id; null on systems without it. */
  readonly bootId: string | null;
  /** The time since boot, now. */
  readonly monotonicMs: number;
  /** True if everything was read at `monotonicMs`, as in a capture: intervals of rates end then. Default: false. */
  readonly isRecorded?: boolean;
  /** The time limit of all probes together, from now. */
  readonly deadlineMs: number;
  /** The least age of counters for rates. Default: 10 s. */
  readonly minElapsedMs?: number;
  /** The time between two readings of counters if there are no earlier ones; 0 or absent: they are read once. */
  readonly secondReadingMs?: number;
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** The counters of a moment, by probe. */
export interface CountersThen {
  readonly monotonicMs: number;
  readonly values: Readonly<Record<string, JsonValue>>;
}

/** The counters that rates are computed from. The client keeps them from one visit to the next. */
export interface Counters extends CountersThen {
  /** The boot id; empty on a system without one. */
  readonly bootId: string;
  /** The counters of the visit before in this boot, for a visit soon after this one. null or absent: none. */
  readonly before?: CountersThen | null;
  /** The time of the last visit of a collector, on the clock of `monotonicMs`. null or absent: none in this boot. */
  readonly visitedMs?: number | null;
  /** The number of spooled reports removed since that visit. */
  readonly dropped?: number;
}

/** The result of a check that the agent makes itself. */
export interface BuiltInCheck {
  /** The name `SUBJECT:NAME`, such as `md:md0`. Characters that names of checks do not allow have become `_`. */
  readonly name: string;
  /** The state: OK, WARNING, CRITICAL, UNKNOWN. */
  readonly state: 0 | 1 | 2 | 3;
  readonly text: string;
  /**
   * Figures by the guidelines of the Monitoring Plugins, ASCII with labels of the probe's own; '' if there are none.
   */
  readonly perfdata: string;
  /** The last lines of the log of a container with a fault, as the runtime sends them. Default: none. */
  readonly logTail?: string | undefined;
  /** The names for which a conf file may name a container, none if they are unknown, and whether it is not paused. */
  readonly container?: { readonly names: readonly string[]; readonly isRunning: boolean };
  /** True for the files of a device, whose state the collector finds. */
  readonly isDevice?: true;
  /** The age of a repeated result. */
  readonly ageSeconds?: number;
}

export interface Collected {
  readonly workerReports: readonly WorkerReport[];
  /** The checks of the probes; absent if no probe makes any. */
  readonly checks?: readonly BuiltInCheck[];
  /** The name and further parts of a report that is no visit's. */
  readonly report?: Partial<Report>;
  /** The counters for the next visit. null keeps the present ones. */
  readonly counters: Counters | null;
}

/** Runs the probes. Returns no promise if none of them waits, because a promise and its deadline take time. */
export type Collect = (options: CollectOptions) => Collected | Promise<Collected>;
