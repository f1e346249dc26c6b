/** src/notify/http: requests to a URL, directly or through a proxy. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { errnoOf } from '../../platform/errors/errors.ts';
import { urlAddress } from '../../text/url-address.ts';
import { boundAnswer } from '../../platform/bound-answer.ts';
import { ProxyFault, proxyFor, type WrittenProxy } from './proxy.ts';
import { takeLogin } from './url-login.ts';

export interface DialOptions {
  /** The authorities for the server's certificate; null: those of Node.js. */
  readonly ca: Buffer | null;
  readonly proxy: WrittenProxy;
  readonly signal: AbortSignal;
}

/** A connection on which a request to a URL can be written. */
export interface Dialed {
  readonly socket: Socket;
  /** The target in the first line of the request: the whole URL if a proxy forwards the request. */
  readonly path: string;
  /** The headers for a proxy that forwards the request. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Connects to the server of a URL, TLS included: directly, through a tunnel of the proxy (CONNECT) for https, or to the
 * proxy that forwards requests for http. Destroys the connection when the signal is aborted, later too. Throws
 * ProxyFault, or the error of the connection.
 */
export async function dialUrl(url: URL, { ca, proxy: written, signal }: DialOptions): Promise<Dialed> {
  const proxy = proxyFor(url, written);
  const isTls = url.protocol === 'https:';
  const path = `${url.pathname}${url.search}`;
  if (proxy === null) return { socket: await connected(url, { ca, signal }), path, headers: {} };
  if (isTls) {
    const tunnel = await openTunnel(proxy, urlAddress(url), signal);
    return { socket: await connected(url, { ca, signal, tunnel }), path, headers: {} };
  }
  const headers = takeProxyLogin(proxy);
  const socket = await connected(proxy, { ca: null, signal }).catch((thrown: unknown) => {
    throw awayProxy(thrown);
  });
  return { socket, path: `${url.origin}${path}`, headers };
}

interface RequestOn {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
}

/** Sends a request on a connection. Resolves before the body of the answer. Rejects with the connection's error. */
export function requestOn(
  { socket, path, headers: toProxy }: Dialed,
  { hostname, host }: URL,
  { method, headers, body }: RequestOn,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, ...toProxy, host };
    const sent = boundAnswer(
      requestHttp({ method, createConnection: () => socket, host: hostname, path, headers: all }),
    );
    sent.on('error', reject).on('close', () => reject(new Error('the connection ended')));
    // After an upgrade Node reports neither an end nor a fault.
    sent.on('upgrade', () => socket.destroy());
    sent.on('response', resolve);
    sent.end(body);
  });
}

interface Connecting {
  readonly ca: Buffer | null;
  readonly signal: AbortSignal;
  /** A connection to the server through a proxy, on which TLS begins. Default: a new connection. */
  readonly tunnel?: Socket;
}

function connected(url: URL, { ca, signal, tunnel }: Connecting): Promise<Socket> {
  signal.throwIfAborted();
  const isTls = url.protocol === 'https:';
  const { host, port } = urlAddress(url);
  const name = isIP(host) === 0 ? { servername: host } : {};
  const place = tunnel === undefined ? { host, port } : { socket: tunnel };
  const socket = isTls
    ? connectTls({ ...place, ...name, ALPNProtocols: ['http/1.1'], ...(ca === null ? {} : { ca }) })
    : connectTcp({ host, port, autoSelectFamily: true });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  return new Promise((resolve, reject) => {
    // The socket may break while it has no other listener.
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the connection ended')));
    socket.once(isTls ? 'secureConnect' : 'connect', () => resolve(socket));
  });
}

/** Returns the fault of a proxy with which there is no connection. */
function awayProxy(thrown: unknown): ProxyFault {
  return new ProxyFault(`the proxy: ${errnoOf(thrown) ?? 'the connection ended'}`, { cause: thrown });
}

/** Removes name and password from the URL of a proxy, and returns them as the header for it. */
function takeProxyLogin(proxy: URL): Readonly<Record<string, string>> {
  const login = takeLogin(proxy).authorization;
  return login === undefined ? {} : { 'proxy-authorization': login };
}

/**
 * Asks a proxy for a connection to a server (RFC 9110, 9.3.6). Takes the login out of the proxy's URL. Rejects with
 * ProxyFault.
 */
export function openTunnel(
  proxy: URL,
  { host, port }: ReturnType<typeof urlAddress>,
  signal: AbortSignal,
): Promise<Socket> {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const ask = proxy.protocol === 'https:' ? requestHttps : requestHttp;
  const { host: proxyHost, port: proxyPort } = urlAddress(proxy);
  return new Promise((resolve, reject) => {
    const headers = { host: target, 'user-agent': 'fleet-health', ...takeProxyLogin(proxy) };
    const place = { host: proxyHost, port: proxyPort, agent: false, autoSelectFamily: true, signal };
    const request = boundAnswer(ask({ ...place, method: 'CONNECT', path: target, headers }));
    request.on('error', (thrown) => reject(awayProxy(thrown)));
    request.on('close', () => reject(awayProxy(null)));
    request.on('connect', ({ statusCode: status = 0 }, socket: Socket, head: Buffer) => {
      if (status < 200 || status > 299) {
        socket.destroy();
        reject(new ProxyFault(`the proxy answered ${status}`));
        return;
      }
      // A mail server speaks first: its greeting may come with the answer of the proxy.
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  });
}
