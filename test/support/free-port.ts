import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Listens on a port of the kernel's choice and returns it. */
export async function listenOn(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export interface Listener {
  readonly port: number;
  /** The open connections. */
  readonly sockets: ReadonlySet<Socket>;
  /** Ends the connections, and listens no more. */
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
