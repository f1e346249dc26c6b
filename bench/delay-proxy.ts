/**
 * A TCP proxy that is a long way off: `node delay-proxy.ts PORT DELAY_MS` prints its own port and hands everything on to
 * PORT of this machine, each direction DELAY_MS later. The three packets of a connection's start take their time as well.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port = 0, delayMs = 0] = process.argv.slice(2).map(Number);

/** What one side sends comes to the other in order, each chunk so much later, the end as well; not before `openAtMs`. */
function handOn(from: Socket, to: Promise<Socket>, openAtMs: number): void {
  let last: Promise<unknown> = to;
  const later = (work: (socket: Socket) => void): void => {
    const dueMs = Math.max(performance.now() + delayMs, openAtMs);
    last = last
      .then(() => sleep(Math.max(0, dueMs - performance.now())))
      .then(() => to)
      .then(work);
  };
  from.on('data', (chunk: Buffer) =>
    later((socket) => {
      if (!socket.destroyed) socket.write(chunk);
    }),
  );
  from.on('end', () => later((socket) => socket.end()));
  from.on('error', () => later((socket) => socket.destroy()));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  // SYN, SYN-ACK, ACK: the other end sees the connection after three of them.
  const openAtMs = performance.now() + 3 * delayMs;
  const far = new Promise<Socket>((resolve) => {
    setTimeout(() => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      handOn(socket, Promise.resolve(near), 0);
      resolve(socket);
    }, 3 * delayMs);
  });
  handOn(near, far, openAtMs);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
