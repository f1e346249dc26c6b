import { readFileSync } from 'node:fs';

import type { MysqlConfig } from '../../../config/config.ts';
import { FleetError, messageOf } from '../../../errors.ts';

/** The options that mysql2 takes as `ssl`. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly minVersion: 'TLSv1.2';
  readonly ca?: string;
}

/**
 * `yes` encrypts and believes any certificate; `verify` also checks its authority and the host. null: `no`.
 * Throws FleetError `config-invalid` when the CA's file cannot be read.
 */
export function tlsOptions({ tls, ca }: Pick<MysqlConfig, 'tls' | 'ca'>): TlsOptions | null {
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
export function readPem(attribute: 'ca' | 'serverPublicKeyFile', file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const message = `<storage ${attribute}>: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'config-invalid', stage: 'config', message, cause: thrown });
  }
}
