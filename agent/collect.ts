import type { WorkerReport } from '../src/report/report.ts';
import type { Collected, CollectOptions, Counters, JsonValue } from './collected.ts';
import { printable } from './probes/function-report.ts';
import { probes as allProbes } from './probes/index.ts';
import type { Earlier, Probe, ProbeContext, ProbeResult } from './probes/probe.ts';
import { openSource } from './probes/source.ts';

/** What the first visit waits between two looks at the counters. */
const sampleMs = 250;
/** A shorter time makes no average; after a longer one an average says nothing of now. */
const minElapsedMs = 200;
const maxElapsedMs = 24 * 3_600_000;

/** Whoever called waits exactly as long as the deadline; a late answer is none. */
const marginMs = 100;

/**
 * Runs every probe on a Linux machine. Never throws: what a probe cannot do is said in its worker report. Rates are
 * averages since the previous visit; where there was none in this boot, of 250 ms, which all probes wait together.
 */
export function collect(options: CollectOptions): Collected | Promise<Collected> {
  return runProbes(options, allProbes);
}

/** The same with other probes, for tests. */
export function runProbes(options: CollectOptions, probes: readonly Probe[]): Collected | Promise<Collected> {
  const source = openSource(options.root);
  const begun = milliseconds();
  const sinceBoot = (): number => options.monotonicMs + milliseconds() - begun;
  const start = (probe: Probe, earlier: Earlier | null): Outcome | Promise<Outcome> => {
    const started = milliseconds();
    const allowed = Math.min(probe.deadlineMs, options.deadlineMs - marginMs - (started - begun));
    const leftMs = (): number => allowed - (milliseconds() - started);
    const context: ProbeContext = { source, options: options.options, earlier, placeDir: options.placeDir, leftMs };
    return outcomeOf(probe, context, allowed, started);
  };

  const started = new Map<Probe, Outcome | Promise<Outcome>>();
  for (const probe of probes) if (probe.rates !== true) started.set(probe, start(probe, null));
  const counting = probes.filter(({ rates }) => rates === true);
  const count = (values: Counters['values'] | undefined, then: number): Collected | Promise<Collected> => {
    const countedMs = sinceBoot();
    for (const probe of counting) {
      const counters = values?.[probe.name];
      const earlier = counters === undefined ? null : { counters, elapsedMs: sinceBoot() - then };
      const outcome = start(probe, earlier);
      // Counters that were damaged must not cost what can be said without them.
      const isSpoilt = earlier !== null && !(outcome instanceof Promise) && outcome.result === null;
      started.set(probe, isSpoilt ? start(probe, null) : outcome);
    }
    const outcomes = probes.map((probe) => started.get(probe) ?? noOutcome);
    const collected = (settled: readonly Outcome[]): Collected => collectedFrom(probes, settled, options, countedMs);
    return isSettled(outcomes) ? collected(outcomes) : all(outcomes).then(collected);
  };
  const previous = isUsable(options) ? options.previous : null;
  const leftMs = options.deadlineMs - (milliseconds() - begun);
  if (previous !== null || counting.length === 0 || leftMs <= 2 * sampleMs) {
    return count(previous?.values, previous?.monotonicMs ?? 0);
  }
  const then = sinceBoot();
  return all(counting.map((probe) => start(probe, null))).then(async (outcomes) => {
    await new Promise((resolve) => setTimeout(resolve, sampleMs));
    return count(countersOf(counting, outcomes), then);
  });
}

interface Outcome {
  readonly result: ProbeResult | null;
  readonly fault: string | null;
  readonly durationMs: number;
}

const noOutcome: Outcome = { result: null, fault: 'not run', durationMs: 0 };

function isSettled(outcomes: readonly (Outcome | Promise<Outcome>)[]): outcomes is readonly Outcome[] {
  return !outcomes.some((outcome) => outcome instanceof Promise);
}

function all(outcomes: readonly (Outcome | Promise<Outcome>)[]): Promise<Outcome[]> {
  return Promise.all(outcomes.map(async (outcome) => outcome));
}

function collectedFrom(
  probes: readonly Probe[],
  outcomes: readonly Outcome[],
  { bootId }: CollectOptions,
  countedMs: number,
): Collected {
  const values = countersOf(probes, outcomes);
  const isCounted = Object.keys(values).length > 0;
  return {
    workerReports: probes.map((probe, at) => workerReport(probe, outcomes[at] ?? noOutcome)),
    counters: isCounted ? { bootId: bootId ?? '', monotonicMs: Math.round(countedMs), values } : null,
  };
}

/** What came of a probe; neither throws nor rejects. At once where the probe does not wait: timers cost Node a lot. */
function outcomeOf(
  probe: Probe,
  context: ProbeContext,
  allowedMs: number,
  started: number,
): Outcome | Promise<Outcome> {
  const outcome = (result: ProbeResult | null, fault?: string): Outcome => ({
    result,
    fault: fault ?? result?.error ?? null,
    durationMs: Math.round(milliseconds() - started),
  });
  const failure = (error: unknown): Outcome => outcome(null, error instanceof Error ? error.message : String(error));
  if (allowedMs <= 0) return outcome(null, 'no time left');
  try {
    const running = probe.run(context);
    if (!(running instanceof Promise)) return outcome(running);
    return within(running, allowedMs).then(
      (result) => (result === null ? outcome(null, `no answer within ${Math.round(allowedMs)} ms`) : outcome(result)),
      failure,
    );
  } catch (error) {
    return failure(error);
  }
}

/** null: it took too long. What comes of it later is dropped. */
function within(running: Promise<ProbeResult>, allowedMs: number): Promise<ProbeResult | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), allowedMs);
  });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}

function workerReport({ name }: Probe, { result, fault, durationMs }: Outcome): WorkerReport {
  return {
    name,
    duration_ms: durationMs,
    error: fault === null ? null : printable(fault),
    function_reports: result?.functions ?? [],
  };
}

function countersOf(probes: readonly Probe[], outcomes: readonly Outcome[]): Record<string, JsonValue> {
  const values: Record<string, JsonValue> = {};
  probes.forEach(({ name }, at) => {
    const counters = outcomes[at]?.result?.counters;
    if (counters !== undefined) values[name] = counters;
  });
  return values;
}

function isUsable({ previous, bootId, monotonicMs }: CollectOptions): boolean {
  if (previous === null || previous.bootId !== (bootId ?? '')) return false;
  const elapsedMs = monotonicMs - previous.monotonicMs;
  return elapsedMs >= minElapsedMs && elapsedMs <= maxElapsedMs;
}

/** Since this process began, by the clock that nobody sets; `performance` would load more of Node. */
function milliseconds(): number {
  return process.uptime() * 1000;
}
