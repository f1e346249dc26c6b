import { FleetError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

/**
 * What a database refused or failed at, sorted by what follows from it.
 *
 * - `lost`: the connection, or the server behind it
 * - `contended`: a lock, a deadlock; the transaction is undone and may be made again
 * - `duplicate`: a unique key; somebody else stored the same meanwhile
 * - `denied`: login or rights
 * - `full`: no space
 * - `read-only`: the server or the file takes no changes
 * - `too-old`: the server is below the oldest supported version
 * - `schema`: a table or column is missing
 * - `damaged`: the database's files are, or are none of a database
 * - `broken`: the database does not do what it must
 * - `exists`: a table, column or key is there already; or gone already, where it is to be dropped
 * - `refused`: this statement with these values
 * - `aborted`: the caller's signal
 */
export type FaultKind =
  | 'lost'
  | 'contended'
  | 'duplicate'
  | 'denied'
  | 'full'
  | 'read-only'
  | 'too-old'
  | 'schema'
  | 'damaged'
  | 'broken'
  | 'exists'
  | 'refused'
  | 'aborted';

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
  'read-only': 'storage-read-only',
  'too-old': 'storage-too-old',
  schema: 'migration-mismatch',
  damaged: 'storage-failed',
  broken: 'storage-failed',
  exists: 'migration-mismatch',
  refused: 'storage-failed',
  aborted: 'interrupted',
};

const advices: { readonly [Kind in FaultKind]?: string } = {
  damaged: 'Put it back from a backup, or move it away and begin anew. Reports wait meanwhile.',
};

/** Runs what talks to the database; a StorageFault leaves as the FleetError that stands for it. */
export async function asStorageErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    return throwAsStorageError(thrown);
  }
}

/** asStorageErrors, for what was caught. */
export function throwAsStorageError(thrown: unknown): never {
  if (!(thrown instanceof StorageFault)) throw thrown;
  const { kind, message } = thrown;
  const advice = advices[kind];
  throw new FleetError({
    code: codes[kind],
    stage: 'storage',
    message,
    ...(advice === undefined ? {} : { advice }),
    cause: thrown,
  });
}

/**
 * Whether the database refused these very values, so that the same attempt will never go well: of anything else, what was
 * to be stored must be kept.
 */
export function isRefusal(thrown: unknown): boolean {
  const cause = thrown instanceof FleetError ? thrown.cause : thrown;
  return cause instanceof StorageFault && cause.kind === 'refused';
}
