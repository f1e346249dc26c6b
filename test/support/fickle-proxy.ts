import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that can be taken away. */
export interface FickleProxy {
  readonly port: number;
  /** `refuse`: connections are closed as soon as they are made; `silent`: nothing is handed on. */
  mode: 'pass' | 'refuse' | 'silent';
  /** Called with what a client sends, before it is handed on. */
  onRequest: (bytes: Buffer) => void;
  /** Ends the connections that there are. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on a port that the kernel chose, and hands all on to a port of this machine. */
export async function startFickleProxy(to: number): Promise<FickleProxy> {
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    near.on('error', () => undefined);
    if (proxy.mode === 'refuse') {
      near.destroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
    near.on('data', (bytes: Buffer) => {
      proxy.onRequest(bytes);
      if (proxy.mode === 'pass') far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (proxy.mode === 'pass') near.write(bytes);
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: FickleProxy = {
    port: (listener.address() as AddressInfo).port,
    mode: 'pass',
    onRequest: () => undefined,
    cut,
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      cut();
      await closed;
    },
  };
  return proxy;
}
