import type { Socket } from 'node:net';

/**
 * From here on, all that is written to a socket in one turn of the event loop goes out together. ssh2 writes a packet as
 * its length, what is in it and its tag, each for itself: on a socket that does not delay that is a system call and a
 * TCP segment each, 22 for a visit where 4 do. Nothing waits for more than the turn; `end` and `destroy` send what is held, as
 * far as the kernel takes it at once.
 */
export function gatherWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  const destroy = socket.destroy.bind(socket);
  let isHeld = false;
  const letGo = (): void => {
    if (isHeld) socket.uncork();
    isHeld = false;
  };
  socket.write = (...args: readonly unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true;
      socket.cork();
      setImmediate(letGo);
    }
    return write(...args);
  };
  socket.destroy = (error?: Error): Socket => {
    letGo();
    return destroy(error);
  };
  return socket;
}
