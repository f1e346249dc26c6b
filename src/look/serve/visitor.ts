import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { headerText } from '../../text/plain-text.ts';

import type { ServeConfig } from '../../config/config.ts';
import { comparableHost, networkMatcher, plainAddress, socketWord } from '../../config/values/networks.ts';

/** The sender of a request. */
export interface Visitor {
  /**
   * The address. Behind a trusted proxy it is the one that the proxy names, or `unknown` if it names none. `socket` for
   * a Unix socket.
   */
  readonly address: string;
  /** True for loopback and the Unix socket without a proxy. */
  readonly isLocal: boolean;
  /** True if the headers of a trusted proxy were used. */
  readonly isProxied: boolean;
  /** The user that a trusted proxy has authenticated; null if there is none. */
  readonly user: string | null;
  /** True if the connection cannot be read on its route, as far as this machine knows. */
  readonly isPrivate: boolean;
}

/** True for an address of loopback: 127.0.0.0/8 and ::1. */
export const isLoopback = networkMatcher(['127.0.0.0/8', '::1']);

/** Headers that proxies add, and that direct clients do not send. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/**
 * Returns a function that identifies the sender of a request. Uses headers of proxies only if config.xml names the
 * proxy.
 */
export function visitorReader(serve: ServeConfig): (request: IncomingMessage) => Visitor {
  const isProxy = networkMatcher(serve.trustedProxies);
  const isSocketProxied = serve.trustedProxies.includes(socketWord);
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress === undefined ? null : plainAddress(socket.remoteAddress);
    if (peer === null ? isSocketProxied : isProxy(peer)) {
      const user = serve.userHeader === null ? undefined : headers[serve.userHeader];
      const address = forwardedFor(headers['x-forwarded-for'], isProxy) ?? 'unknown';
      const isNamed = typeof user === 'string' && user !== '';
      return { address, isLocal: false, isProxied: true, user: isNamed ? headerText(user) : null, isPrivate: true };
    }
    const isNear = peer === null || isLoopback(peer);
    // A proxy of this machine that config.xml does not name forwards requests from elsewhere.
    const isLocal = isNear && !proxyHeaders.some((name) => headers[name] !== undefined);
    const isPrivate = isNear || serve.tls !== null;
    return { address: peer ?? 'socket', isLocal, isProxied: false, user: null, isPrivate };
  };
}

/**
 * Returns the nearest address that is no trusted proxy, or the first one if all are proxies. Addresses before it in the
 * header may be forged. Returns null if it is no IP address.
 */
function forwardedFor(header: string | string[] | undefined, isProxy: (address: string) => boolean): string | null {
  const hops = String(header ?? '')
    .split(',')
    .map((hop) => plainAddress(hop.trim().replace(/^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2')))
    .reverse();
  const address = hops.find((hop) => !isProxy(hop)) ?? hops.at(-1) ?? '';
  return isIP(address) === 0 ? null : comparableHost(address);
}

/**
 * True if a Host header names this machine as local visitors do. A page of another name that resolves to this machine
 * (DNS rebinding) could read this server through the visitor's browser.
 */
export function isOwnHost(header: string | undefined, hosts: readonly string[]): boolean {
  const name = (header ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    // The root of the domain name system, as some resolvers and bookmarks write it.
    .replace(/(?<=[a-z0-9-])\.$/, '');
  const own = hostname().toLowerCase();
  if (isIP(name) !== 0) return isLoopback(name) || hosts.includes(comparableHost(name));
  return ['localhost', own, own.split('.')[0]].includes(name) || name.endsWith('.localhost');
}

/**
 * True if a browser says that a page of this server sent a form: by Sec-Fetch-Site, which no page can set, else by an
 * Origin whose host is the one that was asked. Browsers send one of them with every form. `url` is the address of the
 * pages in config.xml.
 */
export function isFromOwnPage(
  headers: IncomingHttpHeaders,
  { isProxied, url }: Pick<Visitor, 'isProxied'> & { readonly url: string | null },
): boolean {
  const site = headers['sec-fetch-site'] ?? '';
  if (site !== '') return site === 'same-origin' || site === 'none';
  const { origin = '' } = headers;
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const forwarded = isProxied ? String(headers['x-forwarded-host'] ?? '').split(',') : [];
  const asked = [headers.host ?? '', ...forwarded].map((one) => hostOf(protocol, one.trim()));
  return asked.includes(host) || (url !== null && new URL(url).origin === new URL(origin).origin);
}

/** Returns a host as an address of this protocol has it, without the usual port; null if it is none. */
function hostOf(protocol: string, host: string): string | null {
  const address = `${protocol}//${host}`;
  return /^[^@/?#\\]+$/.test(host) && URL.canParse(address) ? new URL(address).host : null;
}
