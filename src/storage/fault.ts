import { FleetError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/**
 * What a database refused or failed at, sorted by what follows from it.
 *
 * - `lost`: the connection, or the server behind it
 * - `contended`: a lock, a deadlock; the transaction is undone and may be made again
 * - `duplicate`: a unique key; somebody else stored the same meanwhile
 * - `denied`: login or rights
 * - `full`: no space, or read-only
 * - `schema`: a table or column is missing
 * - `broken`: the database itself is damaged
 * - `exists`: a table, column or key is there already; or gone already, where it is to be dropped
 * - `refused`: this statement with these values
 * - `aborted`: the caller's signal
 */
export type FaultKind =
  'lost' | 'contended' | 'duplicate' | 'denied' | 'full' | 'schema' | 'broken' | 'exists' | 'refused' | 'aborted';

/** Thrown inside src/storage alone; what leaves it is a FleetError. */
export class StorageFault extends Error {
  override readonly name = 'StorageFault';
  readonly kind: FaultKind;

  constructor(kind: FaultKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

const codes: Readonly<Record<FaultKind, ErrorCode>> = {
  lost: 'storage-unavailable',
  contended: 'storage-unavailable',
  duplicate: 'storage-failed',
  denied: 'storage-denied',
  full: 'storage-full',
  schema: 'migration-mismatch',
  broken: 'storage-failed',
  exists: 'migration-mismatch',
  refused: 'storage-failed',
  aborted: 'interrupted',
};

/** Runs what talks to the database; a StorageFault leaves as the FleetError that stands for it. */
export async function asStorageErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof StorageFault)) throw thrown;
    throw new FleetError({ code: codes[thrown.kind], stage: 'storage', message: thrown.message, cause: thrown });
  }
}
