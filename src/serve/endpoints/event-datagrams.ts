import { isUtf8 } from 'node:buffer';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import type { ServeConfig } from '../../config/config.ts';
import { plainAddress } from '../../config/values/networks.ts';
import { FleetError, messageOf } from '../../errors.ts';
import { isFamilyOff } from '../../platform/listen.ts';
import type { EventEndpoint } from './event-endpoint.ts';

const mostBytes = 8 * 1024;
/** The receive buffer for bursts. The kernel drops datagrams that do not fit. */
const receiveBytes = 1024 * 1024;

export interface EventDatagramsOptions {
  readonly serve: Pick<ServeConfig, 'hosts' | 'port' | 'ipv6Only'>;
  readonly endpoint: EventEndpoint;
  readonly onDatagram: () => void;
  readonly onFault: (thrown: unknown) => void;
}

/** Receives events by UDP, one per datagram. Unusable datagrams are dropped and counted. */
export class EventDatagrams {
  readonly #options: EventDatagramsOptions;
  readonly #sockets: Socket[] = [];
  readonly #unfinished = new Set<Promise<void>>();
  #dropped = 0;

  constructor(options: EventDatagramsOptions) {
    this.#options = options;
  }

  /** The number of dropped datagrams. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Opens the sockets. Returns their addresses for people. Throws FleetError `listen-failed`. */
  async open(): Promise<readonly string[]> {
    const { hosts, port, ipv6Only } = this.#options.serve;
    const places: string[] = [];
    for (const host of hosts) {
      const isIpv6 = host.includes(':');
      const where = `udp://${isIpv6 ? `[${host}]` : host}:${port}`;
      const type = isIpv6 ? 'udp6' : 'udp4';
      const socket = createSocket({ type, ipv6Only: isIpv6 && (ipv6Only || hosts.length > 1) });
      try {
        socket.bind(port, host);
        await once(socket, 'listening');
      } catch (thrown) {
        // IPv6 may be switched off.
        if (host !== hosts.at(-1) && isFamilyOff(thrown)) continue;
        await this.close();
        const message = `cannot listen on ${where}: ${messageOf(thrown)}`;
        throw new FleetError({ code: 'listen-failed', stage: 'run', message, cause: thrown });
      }
      this.#listen(socket);
      places.push(where);
    }
    return places;
  }

  /** Stops receiving. Resolves when the received events are durable. */
  async close(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.close();
    await Promise.all(this.#unfinished);
  }

  #listen(socket: Socket): void {
    const { onDatagram, onFault } = this.#options;
    this.#sockets.push(socket);
    try {
      socket.setRecvBufferSize(receiveBytes);
    } catch {
      // The default size is used instead.
    }
    socket.on('error', onFault);
    socket.on('message', (bytes, { address }) => {
      onDatagram();
      const taken = this.#take(bytes, plainAddress(address)).finally(() => this.#unfinished.delete(taken));
      this.#unfinished.add(taken);
    });
  }

  async #take(bytes: Buffer, address: string): Promise<void> {
    try {
      const isText = bytes.length <= mostBytes && isUtf8(bytes);
      if (isText && (await this.#options.endpoint.take(bytes.toString('utf8'), address)) === 'received') return;
    } catch {
      // Too many events wait, or they cannot be stored.
    }
    this.#dropped += 1;
  }
}
