import type { WorkerReport } from '../../src/report/report.ts';
import type { BuiltInCheck, Collected, CollectOptions, Counters, CountersThen, JsonValue } from './collected.ts';
import { printable } from './function-report.ts';
import { probes as allProbes } from './index.ts';
import type { Earlier, Probe, ProbeContext, ProbeResult } from './probe.ts';
import { messageOf } from './source.ts';
import { within } from './within.ts';

/**
 * The bounds of a rate's interval. The agent's own start would dominate a shorter one; a longer one gives no current
 * value.
 */
const usualMinElapsedMs = 10_000;
const maxElapsedMs = 24 * 3_600_000;

/** The time before the deadline at which probes end, because a late answer is lost. */
const marginMs = 100;

/** The agent's time to which the deadlines of the probes belong, that of agentTimeout="15s". They share more time. */
const usualDeadlineMs = 14_500;

/**
 * Runs every probe on a Linux machine. Never throws: a probe's fault is in its worker report. Rates are averages since
 * counters of this boot that are at least 10 s old. Younger counters are kept for the next visit; the ones before them
 * are used. Without any, the probes that count run twice.
 */
export function collect(options: CollectOptions): Collected | Promise<Collected> {
  return runProbes(options, allProbes);
}

/** Runs other probes, for tests. */
export function runProbes(options: CollectOptions, all: readonly Probe[]): Collected | Promise<Collected> {
  const probes = all.filter(({ isAsked }) => isAsked?.(options.options) ?? true);
  const { source } = options;
  const { minElapsedMs = usualMinElapsedMs } = options;
  const begun = milliseconds();
  const sinceBoot = (): number => options.monotonicMs + (options.isRecorded === true ? 0 : milliseconds() - begun);
  const isTooSoon = (ageOf(options, options.previous) ?? minElapsedMs) < minElapsedMs;
  const usable = [options.previous, options.previous?.before ?? null].find(
    (counters) => (ageOf(options, counters) ?? 0) >= minElapsedMs,
  );
  const noRates = isTooSoon ? `less than ${minElapsedMs / 1000} s since the previous visit` : 'first visit';
  const start = (probe: Probe, earlier: Earlier | null): Outcome | Promise<Outcome> => {
    const started = milliseconds();
    const share = probe.deadlineMs * Math.max(1, options.deadlineMs / usualDeadlineMs);
    const allowed = Math.min(share, options.deadlineMs - marginMs - (started - begun));
    const leftMs = (): number => allowed - (milliseconds() - started);
    const context: ProbeContext = { source, options: options.options, earlier, noRates, leftMs };
    return outcomeOf(probe, context, allowed, started);
  };

  const started = new Map<Probe, Outcome | Promise<Outcome>>();
  for (const probe of probes) if (probe.rates === undefined) started.set(probe, start(probe, null));
  const counting = probes.filter(({ rates }) => rates !== undefined);
  let countedMs = 0;
  const startCounting = (previous: CountersThen | null): void => {
    countedMs = sinceBoot();
    for (const probe of counting) {
      const counters = previous?.values[probe.name];
      const isUsed = counters !== undefined && (probe.rates === 'rates' || previous === options.previous);
      const earlier = isUsed && previous !== null ? { counters, elapsedMs: sinceBoot() - previous.monotonicMs } : null;
      const outcome = start(probe, earlier);
      // A probe that fails with damaged counters runs again without them.
      const isSpoilt = earlier !== null && !(outcome instanceof Promise) && outcome.result === null;
      if (isSpoilt) source.notes?.faults.push(`counters of ${probe.name}`);
      started.set(probe, isSpoilt ? start(probe, null) : outcome);
    }
  };
  startCounting(usable ?? null);
  const result = (): Collected | Promise<Collected> =>
    whenEnded(probes, started, (outcomes) => ({
      ...reportsOf(probes, outcomes),
      counters: isTooSoon ? options.previous : countersOf(probes, outcomes, options, countedMs),
    }));
  const { secondReadingMs = 0 } = options;
  if (usable !== undefined || secondReadingMs === 0 || options.deadlineMs < 2 * secondReadingMs) return result();
  const first = whenEnded(counting, started, (outcomes) => countersOf(counting, outcomes, options, countedMs));
  return Promise.all([first, new Promise((resolve) => setTimeout(resolve, secondReadingMs))]).then(([counters]) => {
    startCounting(counters);
    return result();
  });
}

type Started = ReadonlyMap<Probe, Outcome | Promise<Outcome>>;

/** Returns what `use` makes of the outcomes of probes; no promise if none of the probes waits. */
function whenEnded<T>(
  probes: readonly Probe[],
  started: Started,
  use: (outcomes: readonly Outcome[]) => T,
): T | Promise<T> {
  const outcomes = probes.map((probe) => started.get(probe) ?? noOutcome);
  const isWaiting = outcomes.some((outcome) => outcome instanceof Promise);
  if (!isWaiting) return use(outcomes as readonly Outcome[]);
  return Promise.all(outcomes.map(async (outcome) => outcome)).then(use);
}

function reportsOf(probes: readonly Probe[], outcomes: readonly Outcome[]): Omit<Collected, 'counters'> {
  const outcomeAt = (at: number): Outcome => outcomes[at] ?? noOutcome;
  return {
    workerReports: probes.flatMap((probe, at) =>
      probe.check === undefined ? [workerReport(probe, outcomeAt(at))] : [],
    ),
    checks: probes.flatMap((probe, at) => checksOf(probe, outcomeAt(at))),
  };
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
  const failure = (error: unknown): Outcome => outcome(null, messageOf(error));
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
  { bootId, previous }: CollectOptions,
  countedMs: number,
): Counters | null {
  const values: Record<string, JsonValue> = {};
  probes.forEach(({ name }, at) => {
    const counters = outcomes[at]?.result?.counters;
    if (counters !== undefined) values[name] = counters;
  });
  if (Object.keys(values).length === 0) return null;
  const before =
    previous?.bootId === (bootId ?? '') ? { monotonicMs: previous.monotonicMs, values: previous.values } : null;
  return { bootId: bootId ?? '', monotonicMs: Math.round(countedMs), values, before };
}

/** Returns the age of counters; null if no rates can be computed from them. */
function ageOf({ previous, bootId, monotonicMs }: CollectOptions, counters: CountersThen | null): number | null {
  if (counters === null || previous?.bootId !== (bootId ?? '')) return null;
  const ageMs = monotonicMs - counters.monotonicMs;
  return ageMs >= 0 && ageMs <= maxElapsedMs ? ageMs : null;
}

/** Returns a monotonic time in milliseconds. `performance` would load more of Node. */
function milliseconds(): number {
  return process.uptime() * 1000;
}
