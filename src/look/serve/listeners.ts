import { once } from 'node:events';
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';

import type { ServeConfig } from '../../config/config.ts';
import { networkMatcher, plainAddress } from '../../config/values/networks.ts';
import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import { httpLimits, isFamilyOff, startListening } from '../../platform/listen.ts';
import { readNamedFile } from '../../platform/read-named-file.ts';
import { limitRequest, provenBodyMs } from '../../platform/request-limits.ts';
import { secondMs } from '../../platform/units.ts';
import { InUse } from './rates.ts';
import type { Pool } from './routes.ts';

/** The first descriptor that a supervisor passes: sd_listen_fds(3). */
const firstDescriptor = 3;
/** The most connections of each pool. Further requests are answered with 503. */
const maxOfPool: Readonly<Record<Pool, number>> = { look: 64, endpoints: 512 };
/** The connections beyond the limit that are answered with a refusal. Further ones are closed without an answer. */
const maxPutOff = 192;
const maxPerAddress = 16;
/** The further connections of an address that are answered with a refusal. Others get no answer. */
const maxRefused = 16;
/** The limits of Node. limitRequest is stricter for most requests. */
const limits = { ...httpLimits, requestTimeout: provenBodyMs + httpLimits.headersTimeout };

/** The most time for the TLS handshake; Node's default is two minutes. */
const handshakeTimeout = 5 * secondMs;

interface ListenersOptions {
  readonly serve: ServeConfig;
  readonly onRequest: RequestListener;
  readonly env?: NodeJS.ProcessEnv;
}

/** The sockets of the server. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #servers: Server[] = [];
  readonly #isProxy: (address: string) => boolean;
  readonly #sockets = new Set<Socket>();
  /** The pool of each connection's last request. */
  readonly #pools = new Map<Socket | string, Pool>();
  /** The most connections whose requests are answered. */
  readonly #most: number;
  /** The connections whose requests are not answered. */
  readonly #refused = new Set<Socket | string>();
  readonly #perPeer = new InUse(maxPerAddress);
  readonly #refusedPerPeer = new InUse(maxRefused);

  constructor(options: ListenersOptions) {
    this.#options = options;
    const { push, events, trustedProxies } = options.serve;
    this.#most = maxOfPool.look + (push || events !== null ? maxOfPool.endpoints : 0);
    this.#isProxy = networkMatcher(trustedProxies);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** True if the request's connection is beyond the limit of the server, or beyond that of its pool. */
  isFull({ socket }: IncomingMessage, pool: Pool): boolean {
    const key = keyOf(socket);
    if (socket.destroyed || this.#refused.has(key)) return true;
    if (this.#pools.get(key) === pool) return false;
    if ([...this.#pools.values()].filter((other) => other === pool).length >= maxOfPool[pool]) return true;
    this.#pools.set(key, pool);
    return false;
  }

  /**
   * Listens on the descriptors that the supervisor has passed, else on the addresses and the socket of config.xml.
   * Returns the addresses for people. Throws FleetError `listen-failed`, and `config-invalid` for a certificate.
   */
  async open(): Promise<readonly string[]> {
    const { serve, env = process.env } = this.#options;
    const passed = passedDescriptors(env);
    if (passed.length > 0) {
      for (const fd of passed) await this.#listen({ fd }, `descriptor ${fd}`);
      return passed.map((fd) => `descriptor ${fd}`);
    }
    const places: string[] = [];
    for (const host of serve.hosts) {
      const where = `${serve.tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${serve.port}`;
      // IPv6 may be switched off.
      const isOptional = serve.hosts.length > 1 && places.length + 1 < serve.hosts.length;
      if (
        await this.#listen(
          { host, port: serve.port, ipv6Only: serve.ipv6Only || serve.hosts.length > 1 },
          where,
          isOptional,
        )
      )
        places.push(where);
    }
    if (serve.socket !== null) {
      await removeStaleSocket(serve.socket);
      const mask = process.umask(0o117);
      try {
        await this.#listen({ path: serve.socket }, serve.socket);
        chmodSync(serve.socket, 0o660);
      } finally {
        process.umask(mask);
      }
      places.push(serve.socket);
    }
    return places;
  }

  /** Accepts no more connections, lets answers finish, and closes the remaining connections at the deadline. */
  async close(deadlineMs: number): Promise<void> {
    const closed = this.#servers.map(async (server) => {
      const ended = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await ended;
    });
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, deadlineMs);
    await Promise.all(closed);
    clearTimeout(timer);
  }

  async #listen(
    where: { fd: number } | { path: string } | { host: string; port: number; ipv6Only: boolean },
    words: string,
    isOptional = false,
  ): Promise<boolean> {
    const { serve, onRequest } = this.#options;
    const listener: RequestListener = (request, response) => {
      limitRequest(request, response);
      onRequest(request, response);
    };
    const server =
      serve.tls === null || 'path' in where
        ? createServer(limits, listener)
        : createTlsServer({ ...limits, ...readCertificate(serve.tls), handshakeTimeout }, listener);
    server.maxConnections = this.#most + maxPutOff;
    server.on('connection', (socket: Socket) => this.#count(socket));
    // Without a handshake no answer can be sent.
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    try {
      await startListening(server, where);
    } catch (thrown) {
      if (isOptional && isFamilyOff(thrown)) return false;
      throw listenFault(words, thrown);
    }
    this.#servers.push(server);
    return true;
  }

  #count(socket: Socket): void {
    const peer = plainAddress(socket.remoteAddress ?? '');
    const key = keyOf(socket);
    // A proxy, and the Unix socket, bring connections of many people.
    const place = peer === '' || this.#isProxy(peer) ? () => undefined : this.#perPeer.take(peer);
    const giveBack = place ?? this.#refusedPerPeer.take(peer);
    if (giveBack === null) {
      socket.destroy();
      return;
    }
    // The refused connections of an address do not reduce the limit of others.
    const answered = this.#sockets.size - this.#refused.size;
    if (place === null || answered >= this.#most) this.#refused.add(key);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#refused.delete(key);
      this.#pools.delete(key);
      giveBack();
    });
  }
}

/** Returns a key of a connection. TLS creates a socket of its own on top of that of TCP. */
function keyOf(socket: Socket): Socket | string {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined ? socket : `${remoteAddress} ${remotePort}`;
}

/** Returns the descriptors that systemd or another supervisor has passed to this process. */
function passedDescriptors({ LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv): readonly number[] {
  const count = /^\d{1,2}$/.test(LISTEN_FDS ?? '') ? Number(LISTEN_FDS) : 0;
  return LISTEN_PID === String(process.pid) ? Array.from({ length: count }, (_, index) => firstDescriptor + index) : [];
}

/** Reads certificate and key. Throws FleetError `config-invalid`, which names the attribute. */
function readCertificate({ cert, key }: NonNullable<ServeConfig['tls']>): { cert: Buffer; key: Buffer } {
  let faulty = `tlsCert="${cert}"`;
  try {
    const certificate = readNamedFile(cert);
    createSecureContext({ cert: certificate });
    faulty = `tlsKey="${key}"`;
    const pair = { cert: certificate, key: readNamedFile(key) };
    createSecureContext(pair);
    return pair;
  } catch (thrown) {
    throw new FleetError({
      code: 'config-invalid',
      stage: 'config',
      message: `<serve> ${faulty} cannot be used: ${messageOf(thrown)}`,
      advice:
        'tlsCert has a certificate and those above it, tlsKey the key that belongs to it without a passphrase; PEM.',
      cause: thrown,
    });
  }
}

/** Removes the socket of a server that was killed. Throws FleetError `listen-failed` if a server answers there. */
async function removeStaleSocket(file: string): Promise<void> {
  const facts = lstatSync(file, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) throw listenFault(file, new Error('another file stands there; move it away'));
  const socket = connect(file);
  const answers = await once(socket, 'connect').then(
    () => true,
    (thrown: unknown) => errnoOf(thrown) !== 'ECONNREFUSED',
  );
  socket.destroy();
  if (answers) throw listenFault(file, new Error('another server listens there'));
  rmSync(file, { force: true });
}

function listenFault(where: string, thrown: unknown): FleetError {
  const reason = errnoOf(thrown) === 'EADDRINUSE' ? 'another program listens there' : messageOf(thrown);
  const message = `cannot listen on ${where}: ${reason}`;
  return new FleetError({ code: 'listen-failed', stage: 'run', message, cause: thrown });
}
