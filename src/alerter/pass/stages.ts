import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { isFaultOfValues, StorageFault } from '../../storage/sql/fault.ts';
import type { AlertOptions } from '../alert-options.ts';
import { LeaseTaken } from './pass-lease.ts';

/** A part of a pass. `what` names it in the line about its fault; docs/internals.md has the table of stages. */
export interface Stage<T> {
  readonly what: string;
  /** The result of a stage that failed. */
  readonly otherwise: T;
  /** True if nobody may be told that all is well after a fault: the pass fails, and no heartbeat follows. */
  readonly isVital: boolean;
}

/**
 * True if an error ends the pass: another alerter is at work, the signal aborted, or the database, whatever is asked of
 * it, does not answer. Any other error costs the stage in which it is thrown.
 */
export function endsPass(thrown: unknown, { signal }: Pick<AlertOptions, 'signal'>): boolean {
  if (signal.aborted || thrown instanceof LeaseTaken) return true;
  if (thrown instanceof StorageFault) return !isFaultOfValues(thrown) && thrown.kind !== 'broken';
  return thrown instanceof FleetError && thrown.code === 'locked';
}

/** Returns the fault of a stage. A fault that says by itself what is to be done stays as it is. */
export function stageFault(what: string, thrown: unknown): FleetError {
  const isNamed = thrown instanceof FleetError && thrown.code !== 'internal' && thrown.stage !== 'storage';
  if (isNamed) return thrown;
  const message = `${what}: ${messageOf(thrown)}`;
  return new FleetError({ code: 'pass-incomplete', stage: 'run', message, cause: thrown });
}

/** Runs the stages of a pass. The fault of a stage costs that stage, and is reported once; the others go on. */
export type Stages = ReturnType<typeof openStages>;

export function openStages(options: Pick<AlertOptions, 'signal' | 'observe'>) {
  let hasFailed = false;
  /** Reports the fault of a part of a stage. Throws an error that ends the pass. */
  const heed = (what: string, thrown: unknown, isVital = true): void => {
    if (endsPass(thrown, options)) throw thrown;
    hasFailed ||= isVital;
    options.observe({ kind: 'fault', fault: stageFault(what, thrown) });
  };
  return {
    heed,
    /**
     * Reports the fault of work that the next pass does again. Ignores an end by the signal, and another alerter, which
     * holds the lease and does the same work.
     */
    heedUnlessTaken: (what: string, thrown: unknown): void => {
      const isTaken = thrown instanceof LeaseTaken || (thrown instanceof FleetError && thrown.code === 'locked');
      if (!isTaken && !options.signal.aborted) heed(what, thrown, false);
    },
    /** True once a vital stage has failed. */
    hasFailed: (): boolean => hasFailed,
    run: async <T>({ what, otherwise, isVital }: Stage<T>, work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (thrown) {
        heed(what, thrown, isVital);
        return otherwise;
      }
    },
  };
}
