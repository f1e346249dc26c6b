import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { FleetError, messageOf } from '../platform/errors/errors.ts';
import { minuteMs } from '../platform/units.ts';

/** The listeners of the simulated servers: one for each address of loopback, all on one port. */
export interface LoopbackListeners {
  /** Listens on an address and passes its connections to `onSocket`. Throws FleetError `simulator-failed`. */
  open(address: string, onSocket: (socket: Socket) => void): Promise<void>;
  /** Stops listening on an address: resets its connections, and new ones are refused. */
  shut(address: string): Promise<void>;
  close(): Promise<void>;
}

/** The most connections of all addresses together. Further ones are reset. A collector opens far fewer at a time. */
const maxConnections = 6000;
/** The most connections that wait for `accept`, enough for a burst of visits. */
const backlog = 64;
/** The longest life of a connection, far more than any visit takes. Older connections count as abandoned. */
const longestMs = 15 * minuteMs;
const sweepMs = minuteMs;

interface OpenListener {
  readonly listener: Server;
  readonly sockets: Set<Socket>;
}

export function openListeners(port: number): LoopbackListeners {
  const listeners = new Map<string, OpenListener>();
  const since = new Map<Socket, number>();
  const sweep = setInterval(() => {
    const before = performance.now() - longestMs;
    for (const [socket, at] of since) if (at < before) socket.destroy();
  }, sweepMs);
  sweep.unref();

  const shut = async (address: string): Promise<void> => {
    const open = listeners.get(address);
    if (open === undefined) return;
    listeners.delete(address);
    const closed = once(open.listener, 'close');
    open.listener.close();
    for (const socket of open.sockets) socket.resetAndDestroy();
    await closed;
  };

  return {
    open: async (address, onSocket) => {
      // All listening happens here. Only this machine may reach a simulated server, even after an error elsewhere.
      if (!address.startsWith('127.')) throw new Error(`${address} is not loopback`);
      const sockets = new Set<Socket>();
      const listener = createServer({ noDelay: true }, (socket) => {
        socket.on('error', () => undefined);
        if (since.size >= maxConnections) {
          socket.resetAndDestroy();
          return;
        }
        since.set(socket, performance.now());
        sockets.add(socket);
        socket.once('close', () => {
          since.delete(socket);
          sockets.delete(socket);
        });
        onSocket(socket);
      });
      await listenAt(listener, address, port);
      listeners.set(address, { listener, sockets });
    },
    shut,
    close: async () => {
      clearInterval(sweep);
      await Promise.all([...listeners.keys()].map(shut));
    },
  };
}

async function listenAt(listener: Server, host: string, port: number): Promise<void> {
  listener.listen({ host, port, backlog, exclusive: true });
  try {
    await once(listener, 'listening');
  } catch (thrown) {
    throw simulatorFault(`${host} port ${port}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

export function simulatorFault(
  message: string,
  more: { readonly advice?: string; readonly cause?: unknown } = {},
): FleetError {
  return new FleetError({ code: 'simulator-failed', stage: 'run', message, ...more });
}

/** An address of loopback that no server of a fleet has. A listener on a port there reserves the port for a fleet. */
const portHolder = '127.63.0.2';

/**
 * Reserves the wanted port if it is free, otherwise one of the kernel's choice, until `close`: two simulators never
 * share a port. Throws FleetError `simulator-failed`.
 */
export async function holdPort(wanted: number | null) {
  const server = createServer((socket) => socket.destroy());
  const listen = (port: number): Promise<void> => listenAt(server, portHolder, port);
  await (wanted === null ? listen(0) : listen(wanted).catch(() => listen(0)));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
