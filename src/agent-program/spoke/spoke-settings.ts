import { isIP } from 'node:net';

import * as v from 'valibot';

import { comparableHost } from '../../config/values/networks.ts';
import { flag, settingsObject } from '../settings-form.ts';

const needsAddress = 'must be an IP address or a list of them, such as "0.0.0.0" (all of IPv4) and "::" (all of IPv6)';
const needsPort = 'must be from 1 to 65535';

/** The object `spoke` of agent.json. */
export const spokeForm = v.pipe(
  settingsObject({
    /** IP addresses. Of several, the mode uses those that this machine has. */
    listen_address: v.optional(
      v.pipe(
        v.unknown(),
        v.transform(addressesOf),
        v.custom<readonly string[]>((addresses) => addresses !== null, needsAddress),
      ),
      ['127.0.0.1', '::1'],
    ),
    ip_bind_port: v.optional(
      v.pipe(v.number(needsPort), v.safeInteger(needsPort), v.minValue(1, needsPort), v.maxValue(65_535, needsPort)),
      5000,
    ),
    /** True if other machines may read the report in clear. */
    clear: v.optional(flag, false),
  }),
  v.transform(({ listen_address, ip_bind_port, clear }) => ({ addresses: listen_address, port: ip_bind_port, clear })),
);

/** Returns the addresses of a text or of a list; null if one of them is none. pattoo-os writes `0::` for `::`. */
function addressesOf(value: unknown): readonly string[] | null {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const addresses = list.map((one) => (typeof one === 'string' ? comparableHost(one) : ''));
  return list.length > 0 && addresses.every((address) => isIP(address) !== 0) ? [...new Set(addresses)] : null;
}
