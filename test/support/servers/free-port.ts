import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const minPort = 10_240;
const maxAttempts = 100;

/** Listens on a port that the kernel chooses. Returns the port. */
export async function listenOn(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export interface Listener {
  readonly port: number;
  /** The open connections. */
  readonly sockets: ReadonlySet<Socket>;
  /** Ends the connections, and stops listening. */
  close(): Promise<void>;
}

/** Listens for TCP connections, whose errors are ignored. Default: on every address of this machine. */
export async function listen(onSocket: (socket: Socket) => void, host = '0.0.0.0'): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  const port = await listenOn(server, host);
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port, sockets, close };
}

/** Returns a port that was free a moment ago. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOn(server, '0.0.0.0');
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Returns a port for a server that is stopped and started again. The kernel gives it to no connection meanwhile,
 * because it is below those of ip_local_port_range.
 */
export async function keptPort(): Promise<number> {
  const [first = 32768] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
  for (let attempt = 0; ; attempt += 1) {
    const port = randomInt(minPort, first);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '0.0.0.0', () => resolve(true));
    });
    if (!isFree && attempt < maxAttempts) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
