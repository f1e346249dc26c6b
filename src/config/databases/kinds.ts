import { type FleetError, usageError } from '../../platform/errors/errors.ts';
import type { DatabaseKind, StorageUrl } from './database-kind.ts';
import * as registry from './registry.ts';

type ConfigOf<Kind> = Kind extends DatabaseKind<infer Config> ? Config : never;
/** The settings of a database that config.xml may name. */
export type DatabaseSettings = ConfigOf<(typeof registry)[keyof typeof registry]>;

/** The storage of a site that forwards, which has no database. */
export interface NoStorageConfig {
  readonly kind: 'none';
  readonly path: null;
  readonly migrate: boolean;
  /** The URL that the site forwards to; null: another program carries its files. */
  readonly forwardUrl: string | null;
}

export type StorageConfig = DatabaseSettings | NoStorageConfig;

/** The kinds of databases: files, then servers. */
export const databaseKinds: readonly DatabaseKind<StorageConfig>[] = Object.values(registry).sort(
  (one, other) => Number(other.isFile) - Number(one.isFile),
);

/** The kind of a config.xml without `<storage url>`. */
export const embeddedKind = registry.sqliteKind;

/** Returns the kind of a database. Throws FleetError `usage` for a site without one. */
export function kindOf(storage: StorageConfig): DatabaseKind<StorageConfig> {
  if (storage.kind === 'none') throw withoutDatabase(storage.forwardUrl);
  return kindNamed(storage.kind);
}

/** Returns the kind of a name. */
export function kindNamed(name: string): DatabaseKind<StorageConfig> {
  const kind = databaseKinds.find((one) => one.name === name);
  if (kind === undefined) throw new TypeError(`no kind of database: ${name}`);
  return kind;
}

/** Returns the URL of a database, without its password. */
export function nameOf(storage: StorageConfig): string {
  return kindOf(storage).nameOf(storage);
}

/** Parses a `<storage url>`. Returns what is wrong as a string, without any part of the value. */
export function parseStorageUrl(url: string): StorageUrl | string {
  const scheme = /^\w+(?=:)/.exec(url)?.[0].toLowerCase() ?? '';
  const kind = databaseKinds.find(({ schemes }) => schemes.includes(scheme));
  if (kind !== undefined) return kind.parseUrl(url);
  return `must begin with ${databaseKinds.map(({ beginning }) => beginning).join(' or ')}`;
}

/** Returns what is wrong with a storage URL, or null. */
export function storageUrlFault(url: string): string | null {
  const parsed = parseStorageUrl(url);
  return typeof parsed === 'string' ? parsed : null;
}

/** Returns the error of a command that needs the database, at a site without one. */
export function withoutDatabase(forwardUrl: string | null): FleetError {
  const message = `this site has no database: it forwards what it takes to ${forwardUrl ?? 'another collector'}`;
  return usageError(message, 'Run this command on that collector.');
}
