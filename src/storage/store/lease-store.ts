/** The right to change the alerter's tables, as design: fencing describes. */
export interface Lease {
  readonly name: string;
  readonly epoch: number;
  readonly holder: string;
}

/** Leases, for alerter/pass and alerter/deliver. */
export interface LeaseStore {
  /**
   * Takes a lease that is free or untouched for 60 s by the database's clock. Returns null if another holder has it.
   */
  takeLease(name: string, holder: string): Promise<Lease | null>;
  /** Returns the holder of a lease; null if nobody holds it. */
  leaseHolder(name: string): Promise<string | null>;
  /** Renews the lease while nothing is stored, for instance between mails. Throws FleetError `locked`. */
  touchLease(lease: Lease): Promise<void>;
  /** Frees the lease at once. Does nothing if another holder has taken it. */
  releaseLease(lease: Lease): Promise<void>;
}
