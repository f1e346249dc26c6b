import type { FunctionReport } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import type { BuiltInCheck, JsonValue } from './collected.ts';
import type { Source } from './source.ts';

/** The counters of a probe at the previous visit, and their age. */
export interface Earlier {
  readonly counters: JsonValue;
  readonly elapsedMs: number;
}

export interface ProbeContext {
  readonly source: Source;
  readonly options: ProbeOptions;
  /** null without earlier counters to compute rates from. */
  readonly earlier: Earlier | null;
  /** The reason why `earlier` is null, for people. */
  readonly noRates: string;
  /** Returns the time until the probe's deadline, for loops without a bound of their own. */
  readonly leftMs: () => number;
}

export interface ProbeResult {
  readonly functions: readonly FunctionReport[];
  /** Rows of checks, beside people's own. */
  readonly checks?: readonly BuiltInCheck[];
  /** The counters from which the next visit computes rates. */
  readonly counters?: JsonValue;
  /** The reason why the result is incomplete. */
  readonly error?: string;
}

/** The files that a probe reads. `*` and `[...]` stand for parts of names, as in a shell. */
export interface Reads {
  /** Files of text that are read. */
  readonly files?: readonly string[];
  /** Files of which only the first lines are read, with their number. */
  readonly heads?: readonly (readonly [file: string, lines: number])[];
  /** Files of texts that end in a null byte, of which the first one is read. */
  readonly firsts?: readonly string[];
  /** Files and folders that are looked for. */
  readonly names?: readonly string[];
  /** Symbolic links to folders. */
  readonly links?: readonly string[];
  /** Files whose time of the last change is of interest. */
  readonly times?: readonly string[];
}

/**
 * A reader inside the agent. An error that a probe throws becomes the error of its worker report and does not affect
 * other probes.
 */
export interface Probe {
  readonly name: string;
  /** The time that it has if the agent has its usual one; more if the agent has more. */
  readonly deadlineMs: number;
  /**
   * Set if the probe compares counters with earlier ones: as `rates`, or as numbers of `events` since the previous
   * report, which no other interval replaces. Otherwise `earlier` is null.
   */
  readonly rates?: 'rates' | 'events';
  /**
   * The name of the check that is UNKNOWN if the probe fails. A probe with this name reports checks alone, and has no
   * worker report.
   */
  readonly check?: string;
  /**
   * False if the probe is not requested: then it neither runs nor stands in the report. Absent: the probe always runs.
   */
  readonly isAsked?: (options: ProbeOptions) => boolean;
  run(context: ProbeContext): ProbeResult | Promise<ProbeResult>;
}

/** A probe of visits. The script for clients without Node copies what it reads. */
export interface VisitProbe extends Probe {
  readonly reads: Reads;
}
