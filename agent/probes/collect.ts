import type { WorkerReport } from '../../src/report/report.ts';
import type { BuiltInCheck, Collected, CollectOptions, Counters, JsonValue } from './collected.ts';
import { printable } from './function-report.ts';
import { probes as allProbes } from './index.ts';
import type { Earlier, Probe, ProbeContext, ProbeResult } from './probe.ts';
import { openSource } from './source.ts';
import { within } from './within.ts';

/**
 * The bounds of a rate's interval. The agent's own start would dominate a shorter one; a longer one gives no current
 * value.
 */
const minElapsedMs = 10_000;
const maxElapsedMs = 24 * 3_600_000;

/** The time before the deadline at which probes end, because a late answer is lost. */
const marginMs = 100;

/** The agent's time to which the deadlines of the probes belong, that of agentTimeout="15s". They share more time. */
const usualDeadlineMs = 14_500;

/**
 * Runs every probe on a Linux machine. Never throws: a probe's fault is in its worker report. Rates are averages since
 * counters of this boot that are at least 10 s old. Younger counters are kept for the next visit.
 */
export function collect(options: CollectOptions): Collected | Promise<Collected> {
  return runProbes(options, allProbes);
}

/** Runs other probes, for tests. */
export function runProbes(options: CollectOptions, all: readonly Probe[]): Collected | Promise<Collected> {
  const probes = all.filter(({ isAsked }) => isAsked?.(options.options) ?? true);
  const source = openSource(options.root);
  const begun = milliseconds();
  const sinceBoot = (): number => options.monotonicMs + milliseconds() - begun;
  const passedMs = passedSince(options);
  const isTooSoon = passedMs !== null && passedMs < minElapsedMs;
  const noRates = isTooSoon ? `less than ${minElapsedMs / 1000} s since the previous visit` : 'first visit';
  const start = (probe: Probe, earlier: Earlier | null): Outcome | Promise<Outcome> => {
    const started = milliseconds();
    const share = probe.deadlineMs * Math.max(1, options.deadlineMs / usualDeadlineMs);
    const allowed = Math.min(share, options.deadlineMs - marginMs - (started - begun));
    const leftMs = (): number => allowed - (milliseconds() - started);
    const { placeDir } = options;
    const context: ProbeContext = { source, options: options.options, earlier, noRates, placeDir, leftMs };
    return outcomeOf(probe, context, allowed, started);
  };

  const started = new Map<Probe, Outcome | Promise<Outcome>>();
  for (const probe of probes) if (probe.rates !== true) started.set(probe, start(probe, null));
  const previous = passedMs === null || isTooSoon ? null : options.previous;
  const countedMs = sinceBoot();
  for (const probe of probes.filter(({ rates }) => rates === true)) {
    const counters = previous?.values[probe.name];
    const earlier =
      previous === null || counters === undefined ? null : { counters, elapsedMs: sinceBoot() - previous.monotonicMs };
    const outcome = start(probe, earlier);
    // A probe that fails with damaged counters runs again without them.
    const isSpoilt = earlier !== null && !(outcome instanceof Promise) && outcome.result === null;
    started.set(probe, isSpoilt ? start(probe, null) : outcome);
  }
  const outcomes = probes.map((probe) => started.get(probe) ?? noOutcome);
  const collected = (settled: readonly Outcome[]): Collected => ({
    workerReports: probes.flatMap((probe, at) =>
      probe.check === undefined ? [workerReport(probe, settled[at] ?? noOutcome)] : [],
    ),
    checks: probes.flatMap((probe, at) => checksOf(probe, settled[at] ?? noOutcome)),
    counters: isTooSoon ? options.previous : countersOf(probes, settled, options, countedMs),
  });
  const isWaiting = outcomes.some((outcome) => outcome instanceof Promise);
  if (!isWaiting) return collected(outcomes as readonly Outcome[]);
  return Promise.all(outcomes.map(async (outcome) => outcome)).then(collected);
}

interface Outcome {
  readonly result: ProbeResult | null;
  readonly fault: string | null;
  readonly durationMs: number;
}

const noOutcome: Outcome = { result: null, fault: 'not run', durationMs: 0 };

/**
 * Runs a probe. Neither throws nor rejects. Returns no promise if the probe returns none, because timers are costly in
 * Node.
 */
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

function workerReport({ name }: Probe, { result, fault, durationMs }: Outcome): WorkerReport {
  return {
    name,
    duration_ms: durationMs,
    error: fault === null ? null : printable(fault),
    function_reports: result?.functions ?? [],
  };
}

/** Returns the checks of a probe, and one that is UNKNOWN if a probe of checks has failed. */
function checksOf({ check }: Probe, { result, fault }: Outcome): readonly BuiltInCheck[] {
  const checks = result?.checks ?? [];
  return check === undefined || fault === null
    ? checks
    : [...checks, { name: check, state: 3, text: fault, perfdata: '' }];
}

/** Returns the counters for the next visit; null if no probe has any. */
function countersOf(
  probes: readonly Probe[],
  outcomes: readonly Outcome[],
  { bootId }: CollectOptions,
  countedMs: number,
): Counters | null {
  const values: Record<string, JsonValue> = {};
  probes.forEach(({ name }, at) => {
    const counters = outcomes[at]?.result?.counters;
    if (counters !== undefined) values[name] = counters;
  });
  if (Object.keys(values).length === 0) return null;
  return { bootId: bootId ?? '', monotonicMs: Math.round(countedMs), values };
}

/** Returns the age of the previous counters; null if no rates can be computed from them. */
function passedSince({ previous, bootId, monotonicMs }: CollectOptions): number | null {
  if (previous === null || previous.bootId !== (bootId ?? '')) return null;
  const passedMs = monotonicMs - previous.monotonicMs;
  return passedMs >= 0 && passedMs <= maxElapsedMs ? passedMs : null;
}

/** Returns a monotonic time in milliseconds. `performance` would load more of Node. */
function milliseconds(): number {
  return process.uptime() * 1000;
}
