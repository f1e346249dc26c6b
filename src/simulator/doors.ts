import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

import { FleetError, messageOf } from '../errors.ts';
import { minuteMs } from '../platform/units.ts';

/** The listeners of simulated servers: one for each address of loopback, all on one port. */
export interface Doors {
  /** Resolves when connections to that address are handed to `onSocket`. Throws FleetError `simulator-failed`. */
  open(address: string, onSocket: (socket: Socket) => void): Promise<void>;
  /** From now on connections to that address are refused; those that stand are broken. */
  shut(address: string): Promise<void>;
  close(): Promise<void>;
}

/** Of all addresses together; a further connection is broken at once. A collector visits far fewer at a time. */
const mostConnections = 6000;
/** Waiting for `accept`; what a burst of visits may take. */
const backlog = 64;
/** No visit lasts so long. What holds a connection longer has forgotten it. */
const longestMs = 15 * minuteMs;
const sweepMs = minuteMs;

interface Door {
  readonly listener: Server;
  readonly sockets: Set<Socket>;
}

export function openDoors(port: number): Doors {
  const doors = new Map<string, Door>();
  const since = new Map<Socket, number>();
  const sweep = setInterval(() => {
    const before = performance.now() - longestMs;
    for (const [socket, at] of since) if (at < before) socket.destroy();
  }, sweepMs);
  sweep.unref();

  const shut = async (address: string): Promise<void> => {
    const door = doors.get(address);
    if (door === undefined) return;
    doors.delete(address);
    const closed = once(door.listener, 'close');
    door.listener.close();
    for (const socket of door.sockets) socket.resetAndDestroy();
    await closed;
  };

  return {
    open: async (address, onSocket) => {
      // The one place that listens: whatever else is wrong, nobody but this machine may reach a simulated server.
      if (!address.startsWith('127.')) throw new Error(`${address} is not loopback`);
      const sockets = new Set<Socket>();
      const listener = createServer({ noDelay: true }, (socket) => {
        socket.on('error', () => undefined);
        if (since.size >= mostConnections) {
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
      doors.set(address, { listener, sockets });
    },
    shut,
    close: async () => {
      clearInterval(sweep);
      await Promise.all([...doors.keys()].map(shut));
    },
  };
}

async function listenAt(listener: Server, host: string, port: number): Promise<void> {
  listener.listen({ host, port, backlog, exclusive: true });
  try {
    await once(listener, 'listening');
  } catch (thrown) {
    throw new FleetError({
      code: 'simulator-failed',
      stage: 'run',
      message: `${host} port ${port}: ${messageOf(thrown)}`,
      cause: thrown,
    });
  }
}
