import { connect } from 'node:net';

import { listen, type Listener } from './free-port.ts';

/**
 * Starts a proxy that passes the first bytes of a server on at once, and then one byte at intervals. A client behind it
 * is never silent and never finished.
 */
export function startDrippingProxy(to: number, freeBytes: number, everyMs: number): Promise<Listener> {
  return listen((near) => {
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
    near.pipe(far).on('error', () => undefined);
    for (const socket of [near, far]) {
      socket.once('close', () => {
        clearInterval(timer);
        near.destroy();
        far.destroy();
      });
    }
  });
}
