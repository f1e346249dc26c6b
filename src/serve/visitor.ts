import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

import type { ServeConfig } from '../config/config.ts';
import { networkMatcher, plainAddress, socketWord } from '../config/values/networks.ts';

/** The sender of a request. */
export interface Visitor {
  /** The address, as a trusted proxy names it; `socket` for a Unix socket, `unknown` if a proxy names none. */
  readonly address: string;
  /** True for loopback and the Unix socket without a proxy between. */
  readonly isLocal: boolean;
  /** True if what a proxy says is believed. */
  readonly isProxied: boolean;
  /** The user whom a trusted proxy has let in; null: none. */
  readonly user: string | null;
  /** True if nobody on the way can read what is sent, as far as this machine knows. */
  readonly isPrivate: boolean;
}

/** Loopback: 127.0.0.0/8 and ::1. */
export const isLoopback = networkMatcher(['127.0.0.0/8', '::1']);

/** Headers that proxies add, and that nobody sends who comes directly. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Returns a function that says who sends a request. Headers of proxies count only if config.xml names the proxy. */
export function visitorReader(serve: ServeConfig): (request: IncomingMessage) => Visitor {
  const isProxy = networkMatcher(serve.trustedProxies);
  const isSocketProxied = serve.trustedProxies.includes(socketWord);
  return ({ socket, headers }) => {
    const peer = socket.remoteAddress === undefined ? null : plainAddress(socket.remoteAddress);
    if (peer === null ? isSocketProxied : isProxy(peer)) {
      const user = serve.userHeader === null ? undefined : headers[serve.userHeader];
      const address = forwardedFor(headers['x-forwarded-for'], isProxy) ?? 'unknown';
      const isNamed = typeof user === 'string' && user !== '';
      return { address, isLocal: false, isProxied: true, user: isNamed ? user : null, isPrivate: true };
    }
    const isNear = peer === null || isLoopback(peer);
    // A proxy of this machine that config.xml does not name brings strangers.
    const isLocal = isNear && !proxyHeaders.some((name) => headers[name] !== undefined);
    const isPrivate = isNear || serve.tls !== null;
    return { address: peer ?? 'socket', isLocal, isProxied: false, user: null, isPrivate };
  };
}

/** Returns the nearest address that is no trusted proxy; what stands before it in the header could be anybody's. */
function forwardedFor(header: string | string[] | undefined, isProxy: (address: string) => boolean): string | null {
  const hops = String(header ?? '')
    .split(',')
    .map((hop) => plainAddress(hop.trim().replace(/^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2')))
    .reverse();
  const address = hops.find((hop) => !isProxy(hop)) ?? hops.at(-1) ?? '';
  return isIP(address) === 0 ? null : address;
}

/**
 * True if a Host header names this machine as local visitors do. Another name there was made to lead here (DNS
 * rebinding): the page of a stranger would read this server through the visitor's browser.
 */
export function isOwnHost(header: string | undefined, hosts: readonly string[]): boolean {
  const name = (header ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  const own = hostname().toLowerCase();
  if (isIP(name) !== 0) return isLoopback(name) || hosts.includes(name);
  return ['localhost', own, own.split('.')[0]].includes(name) || name.endsWith('.localhost');
}
