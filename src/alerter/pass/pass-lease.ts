import type { Lease, LeaseStore } from '../../storage/store/lease-store.ts';
import type { AlertHolder } from '../alert-options.ts';

/** Another alerter holds the lease: this pass ends and changes nothing more. */
export class LeaseTaken extends Error {
  override readonly name = 'LeaseTaken';
  /** null if the other alerter has released the lease meanwhile, or if its name cannot be read. */
  readonly holder: AlertHolder | null;

  constructor(holder: AlertHolder | null) {
    super('another alerter is at work');
    this.holder = holder;
  }
}

const leaseName = 'alerter';

/**
 * The right to change the alerter's data, taken when there is something to change. Data that was read before the lease
 * was taken may be out of date: another alerter may have held the lease until then.
 */
export type PassLease = ReturnType<typeof openPassLease>;

export function openPassLease(leases: Omit<LeaseStore, 'touchLease'>, holder: string) {
  let lease: Lease | null = null;
  return {
    isHeld: (): boolean => lease !== null,
    /** Takes the lease unless it is held. Throws LeaseTaken while another alerter holds it. */
    take: async (): Promise<Lease> => {
      lease ??= await leases.takeLease(leaseName, holder);
      if (lease === null) throw new LeaseTaken(parseHolder(await leases.leaseHolder(leaseName)));
      return lease;
    },
    release: async (): Promise<void> => {
      if (lease !== null) await leases.releaseLease(lease);
    },
  };
}

/** The most characters of a holder's name in the claims of mails. */
const holderChars = 64;

/** Returns the name of a pass in leases and claims: its run id (unique), and for people its process and host. */
export function holderName(runId: string, pid: number, host: string): string {
  return Array.from(`${runId} ${pid} ${host}`).slice(0, holderChars).join('');
}

function parseHolder(name: string | null): AlertHolder | null {
  const [, pid, host = ''] = /^\S+ (\d+) (.+)$/.exec(name ?? '') ?? [];
  return pid === undefined ? null : { pid: Number(pid), host, startedAtMs: null };
}
