import type { Socket } from 'node:net';

/**
 * From here on, all that is written to a socket in one turn of the event loop goes out together. ssh2 writes a packet as
 * its length, what is in it and its tag, each for itself: on a socket that does not delay that is a system call and a
 * TCP segment each, 22 for a visit where 4 do. Nothing waits for more than the turn; `end` sends what is held.
 */
export function gatherWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  let isHeld = false;
  const letGo = (): void => {
    isHeld = false;
    socket.uncork();
  };
  socket.write = (...args: readonly unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      setImmediate(letGo);
    }
    return write(...args);
  };
  return socket;
}
