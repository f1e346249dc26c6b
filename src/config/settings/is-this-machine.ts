import { isIPv4 } from 'node:net';

/** True if a host of config.xml is the machine itself, so that nothing crosses a network. */
export function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
