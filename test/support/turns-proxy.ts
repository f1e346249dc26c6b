import { connect, type Socket } from 'node:net';

import { listen, type Listener } from './free-port.ts';

export interface TurnsProxy extends Listener {
  /** Returns the number of connections so far. */
  connections(): number;
  /** Counts round trips: answers of the far end after the near end had sent something. */
  turns(): number;
}

/** Starts a proxy that counts round trips. Bytes within `gatherMs` count as sent at once. */
export async function startTurnsProxy(to: number, gatherMs = 40): Promise<TurnsProxy> {
  let connections = 0;
  let turns = 0;
  const listener = await listen((near) => {
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
    };
    pass(near, far);
    pass(far, near);
  });
  return { ...listener, connections: () => connections, turns: () => turns };
}
