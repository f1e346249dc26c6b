import type { AlertStore, Lease } from '../storage/alert-store.ts';

/** Another alerter holds the lease: this pass ends and changes nothing more. */
export class LeaseTaken extends Error {
  override readonly name = 'LeaseTaken';
}

/**
 * The right to change what the alerter stores, taken when there is something to change: a pass without writes nothing. What
 * was read before it was taken may be out of date, for another alerter may have been at work until then.
 */
export interface PassLease {
  isHeld(): boolean;
  /** Throws LeaseTaken while somebody else is at work. */
  take(): Promise<Lease>;
  release(): Promise<void>;
}

const leaseName = 'alerter';

export function openPassLease(store: Pick<AlertStore, 'takeLease' | 'releaseLease'>, holder: string): PassLease {
  let lease: Lease | null = null;
  return {
    isHeld: () => lease !== null,
    take: async () => {
      lease ??= await store.takeLease(leaseName, holder);
      if (lease === null) throw new LeaseTaken('another alerter is at work');
      return lease;
    },
    release: async () => {
      if (lease !== null) await store.releaseLease(lease);
    },
  };
}
