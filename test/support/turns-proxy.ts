import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { listenOn } from './free-port.ts';

export interface TurnsProxy {
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  /** Counts round trips: answers of the far end after the near end had sent something. */
  turns(): number;
  close(): Promise<void>;
}

/** Passes bytes on, and counts who waited for whom. What is said within `gatherMs` counts as said at once. */
export async function startTurnsProxy(to: number, gatherMs = 40): Promise<TurnsProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let turns = 0;
  const listener = createServer((near) => {
    connections += 1;
    const far = connect(to, '127.0.0.1');
    let speaker: Socket = near;
    const pass = (from: Socket, other: Socket): void => {
      let held: Buffer[] = [];
      from.on('data', (data: Buffer) => {
        if (held.length === 0) {
          setTimeout(() => {
            if (from === far && speaker === near) turns += 1;
            speaker = from;
            other.write(Buffer.concat(held));
            held = [];
          }, gatherMs);
        }
        held.push(data);
      });
      from.on('end', () => setTimeout(() => other.end(), gatherMs));
      from.on('error', () => undefined);
      from.once('close', () => setTimeout(() => other.destroy(), 2 * gatherMs));
      sockets.add(from);
    };
    pass(near, far);
    pass(far, near);
  });
  const port = await listenOn(listener);
  return {
    port,
    connections: () => connections,
    turns: () => turns,
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
