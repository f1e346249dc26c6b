import { asFleetError, type FleetError, isOwnFault } from '../../platform/errors/errors.ts';
import type { CollectOptions } from '../collect-options.ts';
import type { StorageTime } from './storage-limits.ts';

export type RunFaults = ReturnType<typeof createRunFaults>;

/** Collects the faults of a run that belong to no client, each code once: a full disk is no fault of every client. */
export function createRunFaults(observe: CollectOptions['observe'], time: Pick<StorageTime, 'explain'>) {
  const all: FleetError[] = [];
  const add = (given: FleetError): void => {
    const fault = time.explain(given);
    if (all.some((known) => known.code === fault.code)) return;
    all.push(fault);
    observe({ kind: 'fault', fault });
  };
  return { all: all as readonly FleetError[], add, ...lateFaults(add) };
}

/** Returns functions that add faults. Those of this machine wait until the visits that it failed are counted. */
export function lateFaults(add: (fault: FleetError) => void) {
  const late: FleetError[] = [];
  return {
    /** Adds a fault. A fault of this machine waits for `addLate`. */
    later: (fault: FleetError): void => {
      if (isOwnFault(fault.code)) late.push(fault);
      else add(fault);
    },
    addLate: (): void => {
      for (const fault of late.splice(0)) add(fault);
    },
  };
}

/** Returns an error of the storage as a FleetError. */
export function storageFault(thrown: unknown): FleetError {
  return asFleetError(thrown, { code: 'storage-failed', stage: 'storage' });
}
