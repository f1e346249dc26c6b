import type { Client } from '../../config/config.ts';
import { comparableHost } from '../../config/values/networks.ts';
import { dayMs } from '../../platform/units.ts';
import { loadNotedNames, type NotedNames } from '../../state-folder/noted-names.ts';
import { statePaths } from '../../state-folder/paths.ts';

/** The time after which the built-in transport is tried again: the server may offer other algorithms by then. */
const forgottenMs = 7 * dayMs;

/**
 * Reads the servers that share no algorithm with the built-in transport.
 * `transport="auto"` visits them by OpenSSH. Throws FleetError `state-unusable`.
 */
export function opensshOnlyIn(stateDir: string, nowMs: number = Date.now()): NotedNames {
  return loadNotedNames({ file: statePaths(stateDir).opensshOnly, forgotten: { afterMs: forgottenMs, nowMs } });
}

/** Returns the name of a client's server in this record. */
export function serverName({ name, address, port }: Pick<Client, 'name' | 'address' | 'port'>): string {
  return `${name} ${comparableHost(address)} ${port}`;
}
