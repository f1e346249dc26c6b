import type { Socket } from 'node:net';

/**
 * Joins all writes to a socket in one turn of the event loop. ssh2 writes length, content and tag of each packet
 * separately: without Nagle's delay each is a system call and a TCP segment, 22 in a visit where 4 suffice. `end` and
 * `destroy` send the held data, as far as the kernel takes it at once.
 */
export function corkWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  const destroy = socket.destroy.bind(socket);
  let isCorked = false;
  const uncork = (): void => {
    if (isCorked) socket.uncork();
    isCorked = false;
  };
  socket.write = (...args: readonly unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
  socket.destroy = (error?: Error): Socket => {
    uncork();
    return destroy(error);
  };
  return socket;
}
