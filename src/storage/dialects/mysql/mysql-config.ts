import type { DatabaseConfig, Password } from '../../sql/database-kind.ts';

export interface MysqlConfig extends DatabaseConfig {
  readonly kind: 'mysql';
  readonly path: null;
  /** Servers of the same database, tried in this order; at least one. */
  readonly hosts: readonly StorageHost[];
  readonly user: string;
  readonly database: string;
  readonly password: Password | null;
  /** Absolute path of the socket that is used instead of a host. */
  readonly socketPath: string | null;
  readonly tls: 'no' | 'yes' | 'verify';
  /** Absolute path of a PEM file. */
  readonly ca: string | null;
  /** Absolute path of a PEM file with the server's RSA key, for a password without TLS. */
  readonly serverPublicKeyFile: string | null;
}

export interface StorageHost {
  /** The host; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}
