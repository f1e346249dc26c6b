import type { StorageConfig } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';

/** The settings of a database in a process's JSON argument. The password is separate, because JSON hides a Secret. */
export interface StorageArgument {
  readonly storage: StorageConfig;
  readonly password: string | null;
}

export function storageArgument(storage: StorageConfig): StorageArgument {
  return { storage, password: storage.kind === 'mysql' ? (storage.password?.reveal() ?? null) : null };
}

/** Returns the settings that were passed to storageArgument. */
export function storageOf({ storage, password }: StorageArgument): StorageConfig {
  if (storage.kind !== 'mysql') return storage;
  return { ...storage, password: password === null ? null : new Secret({ kind: 'literal', value: password }) };
}
