import { setTimeout as sleep } from 'node:timers/promises';

import { parseEvery } from '../../agent-program/every-bounds.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { withDeadline, withTimeout } from '../../platform/deadline.ts';
import { restartProcessUse } from '../../platform/process-use.ts';
import { hourMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';
import { complain } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';

/** The least time after which a pass is interrupted, beyond its own deadlines. */
const minLimitMs = hourMs;

type Pass = (context: Context) => Promise<ExitStatus>;

/** Runs passes for `--every`. Throws FleetError `usage` for another text than a duration, and as `repeatEvery`. */
export async function repeatRuns(context: Context, every: string, pass: Pass): Promise<ExitStatus> {
  const everyMs = parseEvery(every);
  return await repeatEvery(context, { everyMs, limitMs: Math.max(minLimitMs, 2 * everyMs) }, pass);
}

interface RepeatTimes {
  readonly everyMs: number;
  /** The time after which a pass is interrupted; after twice that time it is stuck. */
  readonly limitMs: number;
}

/**
 * Makes one pass after the other, in place of cron, until the signal aborts. Each begins `every` after the beginning of
 * the one before, or at once if that took longer. Prints the fault of a pass and goes on. Throws the fault of the first
 * pass if the command line or the configuration is wrong, and a fault for a pass that does not end.
 */
export async function repeatEvery(
  context: Context,
  { everyMs, limitMs }: RepeatTimes,
  pass: Pass,
): Promise<ExitStatus> {
  const { output, signal } = context;
  const isOver = (): boolean => signal.aborted;
  for (let isFirst = true; !isOver(); isFirst = false) {
    const endsAt = performance.now() + everyMs;
    restartProcessUse();
    try {
      await withDeadline({ timeoutMs: 2 * limitMs, late: () => new Stuck(limitMs) }, () =>
        withTimeout({ timeoutMs: limitMs, signal }, (limit) => pass({ ...context, signal: limit })),
      );
    } catch (thrown) {
      if (isOver()) break;
      if (thrown instanceof Stuck || (isFirst && isWrongUse(thrown))) throw thrown;
      complain(output, thrown);
    }
    await sleep(Math.max(0, endsAt - performance.now()), undefined, { signal }).catch(() => undefined);
  }
  return 0;
}

/** A pass that was interrupted and did not end. The process has to end: whatever starts it starts it anew. */
class Stuck extends FleetError {
  constructor(limitMs: number) {
    const message = `a pass has not ended ${formatDuration(limitMs)} after it was interrupted`;
    super({ code: 'interrupted', stage: 'run', message });
  }
}

function isWrongUse(thrown: unknown): boolean {
  return thrown instanceof FleetError && thrown.exitStatus === 2;
}
