/**
 * A TCP proxy that simulates a long distance: `node delay-proxy.ts PORT DELAY_MS` prints its own port and forwards all
 * data to PORT of this machine, delayed by DELAY_MS in each direction. The TCP handshake is delayed as well.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [port = 0, delayMs = 0] = process.argv.slice(2).map(Number);

/** Forwards one direction in order. Delays each chunk and the end, and sends nothing before `openAtMs`. */
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
  // The server sees the connection after three delays: SYN, SYN-ACK, ACK.
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
