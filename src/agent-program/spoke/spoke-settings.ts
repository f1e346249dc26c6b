import { isIP } from 'node:net';

import type { Fields } from '../settings-fields.ts';
import { comparableHost } from '../../config/values/networks.ts';

/** The object `spoke` of agent.json. */
export interface SpokeSettings {
  /** IP addresses. Of several, the mode uses those that this machine has. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** True if other machines may read the report in clear. */
  readonly clear: boolean;
}

const loopback = ['127.0.0.1', '::1'] as const;
const defaultPort = 5000;
const lastPort = 65_535;

/** Reads the object `spoke`; the defaults if there is none. */
export function readSpoke(fields: Fields | null): SpokeSettings {
  const named = fields?.textOrTexts('listen_address') ?? null;
  const port = fields?.whole('ip_bind_port') ?? defaultPort;
  const clear = fields?.flag('clear') ?? false;
  // pattoo-os writes all IPv6 addresses as `0::`.
  const plain = named === null ? null : [...new Set(named.map(comparableHost))];
  if (fields !== null && plain !== null && (plain.length === 0 || plain.some((address) => isIP(address) === 0))) {
    throw fields.fault(
      'listen_address',
      'must be an IP address or a list of them, such as "0.0.0.0" (all of IPv4) and "::" (all of IPv6)',
    );
  }
  if (fields !== null && (port < 1 || port > lastPort)) throw fields.fault('ip_bind_port', 'must be from 1 to 65535');
  fields?.end();
  return { addresses: plain ?? loopback, port, clear };
}
