import { isIPv4 } from 'node:net';

import { comparableHost } from './networks.ts';

/** True if a host of config.xml is the machine itself, so that nothing crosses a network. */
export function isThisMachine(host: string): boolean {
  const own = comparableHost(host);
  return own === 'localhost' || own === '::1' || (isIPv4(own) && own.startsWith('127.'));
}
