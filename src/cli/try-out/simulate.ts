import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { usageError } from '../../platform/errors/errors.ts';
import { dayMs } from '../../platform/units.ts';
import { stormAt, stormMs } from '../../simulator/condition.ts';
import { readFolder, withFolder, writeFolder } from '../../simulator/fleet-folder.ts';
import { type FleetPlan, planFleet } from '../../simulator/fleet-plan.ts';
import { holdPort } from '../../simulator/loopback-listeners.ts';
import { describeDuration, formatDuration } from '../../text/durations.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { parseSpanOption } from '../command/until.ts';
import type { Output } from '../terminal/output.ts';
import type { simulateParameters } from './parameters.ts';
import { serveFleet, type ServingState } from './simulate-processes.ts';
import { kindsText, lastLines, startLines, summaryJson } from './simulate-text.ts';

type SimulateCommandOptions = Omit<OptionsOf<typeof simulateParameters>, 'part'>;

const defaults = { clients: 1000, profile: 'clean', everyMs: 300_000 } as const;
const minEveryMs = 1000;
/** The greatest value of `<collector every>`, too. */
const maxEveryMs = 7 * dayMs;
/** The time without a visit after which a pass is over. */
const quietMs = 3000;
const lookEveryMs = 500;

/** Runs `simulate`: serves a fleet until its time is over or a signal arrives, and sums up. */
export async function simulateCommand(context: Context, options: SimulateCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const forMs = options.for === null ? null : parseSpanOption('--for', options.for);
  const dir = path.resolve(options.dir);
  const kept = withFolder(dir, () => readFolder(dir));
  const held = await holdPort(kept?.port ?? null);
  try {
    const plan: FleetPlan = {
      seed: options.seed ?? kept?.seed ?? randomInt(1_000_000_000),
      clients: options.clients ?? kept?.clients ?? defaults.clients,
      profile: options.profile ?? kept?.profile ?? defaults.profile,
      everyMs: options.every === null ? (kept?.everyMs ?? defaults.everyMs) : everyOf(options.every),
      port: held.port,
      startedAtMs: Date.now(),
    };
    withFolder(dir, () => writeFolder(dir, plan));
    const began = performance.now();
    const serving = await serveFleet(dir, plan);
    const say = sayTo(output);
    for (const line of startLines(dir, plan, planFleet(plan), serving.processes)) say(line);
    const over = new AbortController();
    const watched = watch(plan, serving.read, say, over.signal);
    let last: ServingState;
    try {
      await Promise.race([
        signal.aborted ? null : once(signal, 'abort'),
        serving.broken,
        ...(forMs === null ? [] : [sleep(forMs, undefined, { signal: over.signal })]),
      ]);
    } finally {
      over.abort();
      await watched;
      last = await serving.close();
    }
    const durationMs = performance.now() - began;
    if (output.json) output.printJson(summaryJson({ dir, plan, last, durationMs }));
    else for (const line of lastLines(last, durationMs)) say(line);
    return 0;
  } finally {
    held.close();
  }
}

function everyOf(text: string): number {
  const everyMs = parseSpanOption('--every', text);
  if (everyMs >= minEveryMs && everyMs <= maxEveryMs) return everyMs;
  throw usageError(`--every ${text} is not from ${formatDuration(minEveryMs)} to ${formatDuration(maxEveryMs)}`);
}

function sayTo(output: Output): (line: string) => void {
  const silent = output.json || output.verbosity === 'quiet';
  return (line) => {
    if (!silent) output.print(line);
  };
}

/** Prints when storms begin and end, and sums up each pass over the fleet. */
async function watch(
  plan: FleetPlan,
  read: () => ServingState,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let storm = 0;
  let before = read();
  let seen = before.counts.served;
  /** The beginning of the current pass; null between passes. */
  let fromMs: number | null = null;
  let toMs = 0;
  for (;;) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    const nowMs = performance.now();
    const now = read();
    if (now.counts.served > seen) {
      seen = now.counts.served;
      fromMs ??= nowMs - lookEveryMs;
      toMs = nowMs;
    } else if (fromMs !== null && (nowMs - toMs > quietMs || signal.aborted)) {
      const visits = seen - before.counts.served;
      const each = ((now.cpuMs - before.cpuMs) / visits).toFixed(2);
      const kinds = kindsText(now.counts.visits, before.counts.visits);
      const span = describeDuration(toMs - fromMs);
      say(`${visits} visits in ${span}: ${kinds}; ${each} ms of CPU here for each`);
      before = now;
      fromMs = null;
    }
    const stormNow = stormAt(plan, Date.now());
    if (stormNow !== storm) {
      say(stormNow === 0 ? 'the storm is over' : `storm ${stormNow} begins, for ${formatDuration(stormMs(plan))}`);
      storm = stormNow;
    }
    if (signal.aborted) return;
  }
}
