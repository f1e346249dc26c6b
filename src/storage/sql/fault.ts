import { FleetError, type ErrorCode } from '../../platform/errors/errors.ts';

/**
 * The kinds of faults of a database, by their consequences.
 *
 * - `lost`: the connection, or the server behind it
 * - `contended`: a lock, a deadlock; the transaction is undone and may be made again
 * - `duplicate`: a unique key; another writer stored the same key meanwhile
 * - `denied`: login or rights
 * - `full`: no space
 * - `read-only`: the server or the file accepts no changes
 * - `too-old`: the server is below the oldest supported version
 * - `schema`: a table or column is missing
 * - `damaged`: the database's files are damaged, or are not a database
 * - `broken`: the database does not work as specified
 * - `exists`: a table, column or key exists already; or is missing already when it is dropped
 * - `refused`: the database refused this statement with these values
 * - `aborted`: the caller's signal aborted the work
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

/** A fault of the database. The drivers' errors are translated into this class once. */
export class StorageFault extends FleetError {
  readonly kind: FaultKind;

  /** `advice` is more exact than that of the kind. */
  constructor(kind: FaultKind, message: string, cause?: unknown, advice: string | undefined = advices[kind]) {
    super({ code: codes[kind], stage: 'storage', message, advice, cause });
    this.kind = kind;
  }
}

const ofValues: readonly FaultKind[] = ['refused', 'duplicate', 'exists'];

/**
 * True if an attempt to store values failed because of these values: the same attempt will not succeed, but others
 * will. False if the database, the disk or the caller's signal is the reason.
 */
export function isFaultOfValues(thrown: unknown): boolean {
  if (thrown instanceof StorageFault) return ofValues.includes(thrown.kind);
  if (thrown instanceof FleetError) return false;
  return thrown instanceof Error && thrown.name !== 'AbortError' && !('syscall' in thrown);
}
