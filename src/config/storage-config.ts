import type { Secret } from './secret.ts';

export interface StorageConfig {
  readonly kind: 'sqlite' | 'mysql';
  /** sqlite: absolute path of the file. */
  readonly path: string | null;
  readonly host: string | null;
  readonly port: number | null;
  /**
   * Further servers of the same database, tried in this order when the one before cannot be had; unless given: none.
   */
  readonly furtherHosts?: readonly StorageHost[];
  readonly user: string | null;
  readonly database: string | null;
  readonly password: Secret | null;
  readonly socketPath: string | null;
  readonly tls: 'no' | 'yes' | 'verify';
  /** Absolute path of a PEM file. */
  readonly ca: string | null;
  /** Absolute path of a PEM file with the server's RSA key, for a password without TLS; unless given: none. */
  readonly serverPublicKeyFile?: string | null;
  readonly migrate: boolean;
}

export interface StorageHost {
  readonly host: string;
  readonly port: number;
}
