import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { listenOn } from './free-port.ts';

export interface DrippingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Lets the first bytes of a server through as they come, and then one byte in a while: a client that is never silent
 * and never done.
 */
export async function startDrippingProxy(to: number, freeBytes: number, everyMs: number): Promise<DrippingProxy> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const listener = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    let left = freeBytes;
    let held = Buffer.alloc(0);
    far.on('data', (data: Buffer) => {
      near.write(data.subarray(0, left));
      held = Buffer.concat([held, data.subarray(left)]);
      left = Math.max(0, left - data.length);
    });
    const timer = setInterval(() => {
      near.write(held.subarray(0, 1));
      held = held.subarray(1);
    }, everyMs);
    timers.add(timer);
    near.pipe(far);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        clearInterval(timer);
        near.destroy();
        far.destroy();
      });
    }
  });
  const port = await listenOn(listener, '0.0.0.0');
  return {
    port,
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
