import { isIP } from 'node:net';

import { networkMatcher, parseNetworks } from '../../config/values/networks.ts';
import { urlAddress } from '../../text/url-address.ts';

/** A proxy as an element of config.xml has it: its URL, `none` or `environment`; null: that of the environment too. */
export type WrittenProxy = string | null;

/** A fault of a proxy. Its message has no URL, which may have a password. */
export class ProxyFault extends Error {}

/** The variables, as of curl, by the protocol of the URL. */
const variables: Readonly<Record<string, readonly string[]>> = {
  'https:': ['https_proxy', 'HTTPS_PROXY'],
  'http:': ['http_proxy', 'HTTP_PROXY'],
};

const loopback = ['127.0.0.0/8', '::1'];

/**
 * Returns the proxy for a URL; null for a direct connection. Without a written proxy the environment counts
 * (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), but never for this machine itself. Throws ProxyFault if the
 * environment names no HTTP proxy.
 */
export function proxyFor(url: URL, written: WrittenProxy, env: NodeJS.ProcessEnv = process.env): URL | null {
  if (written !== null && written !== 'environment') return written === 'none' ? null : new URL(written);
  const name = variables[url.protocol]?.find((one) => (env[one] ?? '') !== '');
  if (name === undefined || isExcepted(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  const value = env[name] ?? '';
  const text = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : null;
  if (proxy === null || !/^https?:$/.test(proxy.protocol)) throw new ProxyFault(`${name} is no HTTP proxy`);
  return proxy;
}

/** True if the host is this machine, or in NO_PROXY: `*`, names with their subdomains, addresses and networks. */
function isExcepted(url: URL, noProxy: string): boolean {
  const { host: named, port } = urlAddress(url);
  const host = named.replace(/\.$/, '');
  if (host === 'localhost' || networkMatcher(loopback)(host)) return true;
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      if (isIP(host) !== 0 && isWithin(host, entry)) return true;
      const [, name = '', entryPort] = /^(?:\*?\.)?(.*?)\.?(?::(\d+))?$/.exec(entry) ?? [];
      if (entryPort !== undefined && entryPort !== String(port)) return false;
      return isIP(host) === 0 ? host === name || host.endsWith(`.${name}`) : isWithin(host, name);
    });
}

/** True if an address is in the address or network of an entry. Other entries have none. */
function isWithin(address: string, entry: string): boolean {
  const networks = parseNetworks(entry.replace(/^\[|\]$/g, ''));
  return networks !== null && networkMatcher(networks)(address);
}
