/** The right to change what the alerter stores, as design: fencing describes. */
export interface Lease {
  readonly name: string;
  readonly epoch: number;
  readonly holder: string;
}

/** Leases, for alerter/pass and alerter/deliver. */
export interface LeaseStore {
  /**
   * Takes a lease that is free or untouched for 60 s on the database's clock. Returns null if somebody else is at work.
   */
  takeLease(name: string, holder: string): Promise<Lease | null>;
  /** Returns null if nobody holds the lease. */
  leaseHolder(name: string): Promise<string | null>;
  /** Keeps the lease while nothing is stored: between mails, for instance. Throws FleetError `locked`. */
  touchLease(lease: Lease): Promise<void>;
  /** Frees the lease at once. Does nothing if somebody else has taken it. */
  releaseLease(lease: Lease): Promise<void>;
}
