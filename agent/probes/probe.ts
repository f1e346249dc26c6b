import type { FunctionReport } from '../../src/report/report.ts';
import type { ProbeOptions } from '../../src/report/wire.ts';
import type { JsonValue } from './collected.ts';
import type { Source } from './source.ts';

/** What a probe counted before, and how long ago. */
export interface Earlier {
  readonly counters: JsonValue;
  readonly elapsedMs: number;
}

export interface ProbeContext {
  readonly source: Source;
  readonly options: ProbeOptions;
  /** null: there is nothing that rates could be made from. */
  readonly earlier: Earlier | null;
  /** Why `earlier` is null, for people. */
  readonly noRates: string;
  /** A private folder where something may be remembered until the next visit; null: nothing can be kept. */
  readonly placeDir: string | null;
  /** What is left of the probe's own deadline; loops over what has no bound look at it. */
  readonly leftMs: () => number;
}

export interface ProbeResult {
  readonly functions: readonly FunctionReport[];
  /** What rates are made from at the next visit. */
  readonly counters?: JsonValue;
  /** Why this is not everything that the probe should say. */
  readonly error?: string;
}

/** One reader inside the agent. What it throws ends as the error of its worker report, whatever its neighbours do. */
export interface Probe {
  readonly name: string;
  readonly deadlineMs: number;
  /** Whether it makes rates from counters; only then is it given `earlier`. */
  readonly rates?: true;
  run(context: ProbeContext): ProbeResult | Promise<ProbeResult>;
}
