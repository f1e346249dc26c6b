import { connect } from 'node:net';

import { listen, type Listener } from './free-port.ts';

/**
 * Lets the first bytes of a server through as they come, and then one byte in a while: a client that is never silent
 * and never done.
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
