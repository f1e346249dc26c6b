/** src/storage/dialects/mysql: MySQL and MariaDB. */
import { connect, type Socket } from 'node:net';
import { authPlugins } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

import type { MysqlConfig, StorageHost } from '../../../config/databases/mysql.ts';
import { FleetError, messageOf } from '../../../platform/errors/errors.ts';
import { readNamedFile } from '../../../platform/read-named-file.ts';

export { createConnection };
export type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket };

/** Returns the options for mysql2 to log in to one server. Throws FleetError if a file or secret cannot be read. */
export function connectionOptions(
  storage: MysqlConfig,
  { host, port }: StorageHost,
  timeoutMs: number,
): ConnectionOptions {
  const tls = tlsOptions(storage);
  const { socketPath, user, password, database } = storage;
  return {
    ...(socketPath === null ? { host, port } : { socketPath }),
    user,
    ...(password === null ? {} : { password: password.reveal() }),
    database,
    ...(tls === null ? {} : { ssl: { ...tls } }),
    ...(tls?.verifyIdentity === true && socketPath === null ? { stream: () => socketTo(host, port) } : {}),
    authPlugins: {
      // MariaDB's unix_socket: the server asks the kernel for the user; nothing is sent.
      auth_socket: () => () => Buffer.alloc(0),
      ...(tls === null && socketPath === null ? loginsInTheOpen(storage) : {}),
    },
    charset: 'UTF8MB4_BIN',
    connectTimeout: timeoutMs,
    dateStrings: true,
    decimalNumbers: true,
    jsonStrings: true,
    supportBigNumbers: true,
    timezone: 'Z',
  };
}

/**
 * Returns the plugins for logins without TLS. In such a login the server may request the password itself, encrypted
 * with an RSA key that the server sends. Anybody on the network can send a key, so only the key of
 * `serverPublicKeyFile` is used.
 */
function loginsInTheOpen({ serverPublicKeyFile }: MysqlConfig): NonNullable<ConnectionOptions['authPlugins']> {
  const options = {
    ...(serverPublicKeyFile === null ? {} : { serverPublicKey: readPem('serverPublicKeyFile', serverPublicKeyFile) }),
    onServerPublicKey: (): void => {
      throw new Error(
        'the server asks for the password under a key of its own, which anybody could send; write tls="verify", ' +
          'or serverPublicKeyFile="FILE" with a copy of its public_key.pem, or on its own machine socketPath',
      );
    },
  };
  return {
    caching_sha2_password: authPlugins.caching_sha2_password(options),
    sha256_password: authPlugins.sha256_password(options),
  };
}

/** Opens a socket whose host TLS compares with the certificate. mysql2 passes no host to TLS if it is an address. */
function socketTo(host: string, port: number): Socket {
  const socket = connect({ host, port, keepAlive: true, noDelay: true });
  // Node reads the name from here for a socket that it is given, and sets the name itself only if it resolved one.
  return Object.assign(socket, { _host: host });
}

/** The options that mysql2 takes as `ssl`. */
interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly minVersion: 'TLSv1.2';
  readonly ca?: string;
}

/**
 * Returns the TLS options. `yes` encrypts and accepts any certificate; `verify` also checks the authority and the host.
 * Returns null for `no`. Throws FleetError `config-invalid` if the CA's file cannot be read.
 */
function tlsOptions({ tls, ca }: Pick<MysqlConfig, 'tls' | 'ca'>): TlsOptions | null {
  if (tls === 'no') return null;
  const verify = tls === 'verify';
  return {
    rejectUnauthorized: verify,
    verifyIdentity: verify,
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca: readPem('ca', ca) }),
  };
}

/** Returns the text of a file that <storage> names. Throws FleetError `config-invalid` if it cannot be read. */
function readPem(attribute: 'ca' | 'serverPublicKeyFile', file: string): string {
  try {
    return readNamedFile(file).toString();
  } catch (thrown) {
    const message = `<storage ${attribute}>: ${file} cannot be read: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'config-invalid', stage: 'config', message, cause: thrown });
  }
}
