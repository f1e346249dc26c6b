import { setTimeout as sleep } from 'node:timers/promises';

import { asFleetError, FleetError } from '../../errors.ts';
import type { Stage } from '../../errors.ts';

export interface VisitDeadlineOptions {
  readonly client: string;
  readonly deadlineMs: number;
  /** Aborted with a FleetError when the run is to end. */
  readonly runSignal: AbortSignal;
}

export interface VisitDeadline {
  /** Aborted with a FleetError at the deadline, or when the run ends. */
  readonly signal: AbortSignal;
  /** What the work resolves with; rejects a little after the abort when the work does not heed it. */
  race<T>(work: Promise<T>): Promise<T>;
  /** To be called when the visit is over. */
  end(): void;
}

/** What does not end by itself when its signal is aborted is left behind after this. */
const graceMs = 250;

/** The own timer of one visit, whatever the timers of those it relies on do. */
export function startDeadline({ client, deadlineMs, runSignal }: VisitDeadlineOptions): VisitDeadline {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => {
    const message = `the visit did not end within ${deadlineMs} ms`;
    controller.abort(new FleetError({ code: 'visit-deadline', stage: 'run', message, client }));
  }, deadlineMs);
  const onRunEnd = (): void => controller.abort(runSignal.reason);
  if (runSignal.aborted) onRunEnd();
  else runSignal.addEventListener('abort', onRunEnd, { once: true });

  const over = new AbortController();
  const abandoned = async (): Promise<never> => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await sleep(graceMs, undefined, { signal: over.signal });
    throw signal.reason;
  };
  return {
    signal,
    race: (work) => {
      // The late rejection of what was left behind is nobody's any more.
      work.catch(() => undefined);
      const given = abandoned();
      given.catch(() => undefined);
      return Promise.race([work, given]);
    },
    end: () => {
      clearTimeout(timer);
      runSignal.removeEventListener('abort', onRunEnd);
      // Without a reason Node makes an exception with its stack, for nobody.
      over.abort(null);
    },
  };
}

/** What a visit ended with: the reason of its signal once that is aborted, else what was thrown. */
export function faultAtDeadline(thrown: unknown, signal: AbortSignal, stage: Stage, client: string): FleetError {
  const reason: unknown = signal.reason;
  if (!signal.aborted || !(reason instanceof FleetError)) {
    return asFleetError(thrown, { code: 'internal', stage, client });
  }
  const { code, message, advice } = reason;
  const where = thrown instanceof FleetError && thrown !== reason ? thrown.stage : stage;
  return new FleetError({ code, stage: where, message, advice, client, cause: thrown });
}
