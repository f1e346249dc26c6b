import type { Lease } from '../../storage/store/lease-store.ts';
import type { AlertStore } from '../../storage/store/storage.ts';
import type { AlertHolder } from '../alert-options.ts';

/** Another alerter holds the lease: this pass ends and changes nothing more. */
export class LeaseTaken extends Error {
  override readonly name = 'LeaseTaken';
  /** null if it has let go meanwhile, or cannot be read. */
  readonly holder: AlertHolder | null;

  constructor(holder: AlertHolder | null) {
    super('another alerter is at work');
    this.holder = holder;
  }
}

const leaseName = 'alerter';

type LeaseStore = Pick<AlertStore, 'takeLease' | 'releaseLease' | 'leaseHolder'>;

/**
 * The right to change what the alerter stores, taken when there is something to change. What was read before it was
 * taken may be out of date, for another alerter may have been at work until then.
 */
export type PassLease = ReturnType<typeof openPassLease>;

export function openPassLease(store: LeaseStore, holder: string) {
  let lease: Lease | null = null;
  return {
    isHeld: (): boolean => lease !== null,
    /** Throws LeaseTaken while another alerter is at work. */
    take: async (): Promise<Lease> => {
      lease ??= await store.takeLease(leaseName, holder);
      if (lease === null) throw new LeaseTaken(parseHolder(await store.leaseHolder(leaseName)));
      return lease;
    },
    release: async (): Promise<void> => {
      if (lease !== null) await store.releaseLease(lease);
    },
  };
}

/** The characters that the claims of mails hold. */
const holderChars = 64;

/** Returns the name of a pass in leases and claims. No other has its run id, and people see where it runs. */
export function holderName(runId: string, pid: number, host: string): string {
  return Array.from(`${runId} ${pid} ${host}`).slice(0, holderChars).join('');
}

function parseHolder(name: string | null): AlertHolder | null {
  const [, pid, host = ''] = /^\S+ (\d+) (.+)$/.exec(name ?? '') ?? [];
  return pid === undefined ? null : { pid: Number(pid), host, startedAtMs: null };
}
