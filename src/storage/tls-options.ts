import { readFileSync } from 'node:fs';

import type { StorageConfig } from '../config/config.ts';
import { FleetError, messageOf } from '../errors.ts';

/** What mysql2's `ssl` takes. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly minVersion: 'TLSv1.2';
  readonly ca?: string;
}

/**
 * `yes` encrypts and believes any certificate; `verify` also checks its authority and the host's name. null: `no`.
 * Throws FleetError `config-invalid` when the CA's file cannot be read.
 */
export function tlsOptions({ tls, ca }: Pick<StorageConfig, 'tls' | 'ca'>): TlsOptions | null {
  if (tls === 'no') return null;
  const verify = tls === 'verify';
  return {
    rejectUnauthorized: verify,
    verifyIdentity: verify,
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca: readCa(ca) }),
  };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const message = `<storage ca>: ${messageOf(thrown)}`;
    throw new FleetError({ code: 'config-invalid', stage: 'config', message, cause: thrown });
  }
}
