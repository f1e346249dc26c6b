import { asFleetError, type FleetError } from '../../errors.ts';
import type { CollectOptions } from '../collect-options.ts';
import type { StorageTime } from './storage-limits.ts';

/** The faults of a run that are no client's, each code once: a full disk is one fault, not one of every client. */
export interface RunFaults {
  readonly all: readonly FleetError[];
  readonly add: (fault: FleetError) => void;
}

export function createRunFaults(observe: CollectOptions['observe'], time: Pick<StorageTime, 'explain'>): RunFaults {
  const all: FleetError[] = [];
  const add = (given: FleetError): void => {
    const fault = time.explain(given);
    if (all.some((known) => known.code === fault.code)) return;
    all.push(fault);
    observe({ kind: 'fault', fault });
  };
  return { all, add };
}

/** Returns an error of the storage as a FleetError. */
export function storageFault(thrown: unknown): FleetError {
  return asFleetError(thrown, { code: 'storage-failed', stage: 'storage' });
}
