import type { WorkerReport } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';

/** What the runtime gives to the probes. */
export interface CollectOptions {
  /** '' or a folder with a fixture: prefix of /proc, /sys, /etc and /run. */
  readonly root: string;
  readonly options: ProbeOptions;
  /** Of the previous visit; null when there was none. Of another boot they are good for nothing. */
  readonly previous: Counters | null;
  /** Of /proc/sys/kernel/random/boot_id; null where there is none. */
  readonly bootId: string | null;
  /** Since boot, now. */
  readonly monotonicMs: number;
  /** What the probes may take altogether, from now. */
  readonly deadlineMs: number;
  /** Private folder in which probes may remember something (the pid of a child that hangs); null when there is none. */
  readonly placeDir: string | null;
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What rates are computed from; kept on the client from one visit to the next. */
export interface Counters {
  /** Empty where the system has no boot id. */
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly values: Readonly<Record<string, JsonValue>>;
  /** When a collector came last, on the same clock; null or left out: not in this boot. */
  readonly visitedMs?: number | null;
  /** Spooled reports that went since then. */
  readonly dropped?: number;
}

export interface Collected {
  readonly workerReports: readonly WorkerReport[];
  /** For the next visit; null: leave those that are there. */
  readonly counters: Counters | null;
}

/** At once where nothing had to be waited for: a promise and its deadline cost Node half a millisecond. */
export type Collect = (options: CollectOptions) => Collected | Promise<Collected>;
