import type { WorkerReport } from '../src/report/report.ts';
import type { Collected, CollectOptions, JsonValue } from './collected.ts';
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
export async function collect(options: CollectOptions): Promise<Collected> {
  return runProbes(options, allProbes);
}

/** The same with other probes, for tests. */
export async function runProbes(options: CollectOptions, probes: readonly Probe[]): Promise<Collected> {
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
  let values = isUsable(options) ? options.previous?.values : undefined;
  let then = options.previous?.monotonicMs ?? 0;
  if (counting.length > 0 && values === undefined && options.deadlineMs - (milliseconds() - begun) > 2 * sampleMs) {
    then = sinceBoot();
    values = countersOf(await settled(counting, (probe) => start(probe, null)));
    await new Promise((resolve) => setTimeout(resolve, sampleMs));
  }
  const countedMs = sinceBoot();
  for (const probe of counting) {
    const counters = values?.[probe.name];
    const earlier = counters === undefined ? null : { counters, elapsedMs: sinceBoot() - then };
    const outcome = start(probe, earlier);
    // Counters that were damaged must not cost what can be said without them.
    const isSpoilt = earlier !== null && !(outcome instanceof Promise) && outcome.result === null;
    started.set(probe, isSpoilt ? start(probe, null) : outcome);
  }
  const outcomes = await settled(probes, (probe) => started.get(probe) ?? noOutcome);
  const kept = countersOf(outcomes);
  return {
    workerReports: outcomes.map(([probe, outcome]) => workerReport(probe, outcome)),
    counters:
      Object.keys(kept).length === 0
        ? null
        : { bootId: options.bootId ?? '', monotonicMs: Math.round(countedMs), values: kept },
  };
}

interface Outcome {
  readonly result: ProbeResult | null;
  readonly fault: string | null;
  readonly durationMs: number;
}

const noOutcome: Outcome = { result: null, fault: 'not run', durationMs: 0 };

async function settled(
  probes: readonly Probe[],
  outcomeOf: (probe: Probe) => Outcome | Promise<Outcome>,
): Promise<(readonly [Probe, Outcome])[]> {
  return Promise.all(probes.map(async (probe) => [probe, await outcomeOf(probe)] as const));
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

function countersOf(outcomes: readonly (readonly [Probe, Outcome])[]): Record<string, JsonValue> {
  const values: Record<string, JsonValue> = {};
  for (const [{ name }, { result }] of outcomes) {
    if (result?.counters !== undefined) values[name] = result.counters;
  }
  return values;
}

function isUsable({ previous, bootId, monotonicMs }: CollectOptions): boolean {
  if (previous === null || previous.bootId !== (bootId ?? '')) return false;
  const elapsedMs = monotonicMs - previous.monotonicMs;
  return elapsedMs >= minElapsedMs && elapsedMs <= maxElapsedMs;
}

/** Since some moment, by the clock that nobody sets; `performance` would load more of Node. */
function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
