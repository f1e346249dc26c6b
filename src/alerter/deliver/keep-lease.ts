import type { AlertStore, Lease } from '../../storage/store/alert-store.ts';

export interface LeaseKeeper {
  /** Throws what the last touch threw: FleetError `locked` when somebody else has the lease. */
  check(): void;
  stop(): Promise<void>;
}

/** A lease that nobody touches for a minute is taken for a dead alerter's, and a mail server may take as long to answer. */
const everyMs = 15_000;

/** Touches a lease while other things are waited for. */
export function keepLease(store: Pick<AlertStore, 'touchLease'>, lease: Lease, eachMs: number = everyMs): LeaseKeeper {
  let fault: Error | null = null;
  let touching: Promise<void> = Promise.resolve();
  let busy = false;
  const touch = async (): Promise<void> => {
    busy = true;
    try {
      await store.touchLease(lease);
    } catch (thrown) {
      fault = thrown instanceof Error ? thrown : new Error(String(thrown));
      clearInterval(timer);
    }
    busy = false;
  };
  const timer = setInterval(() => {
    if (!busy) touching = touch();
  }, eachMs);
  return {
    check: () => {
      if (fault !== null) throw fault;
    },
    stop: async () => {
      clearInterval(timer);
      await touching;
    },
  };
}
