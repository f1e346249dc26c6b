import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

import { FleetError, messageOf } from '../errors.ts';

/** Addresses of which connections are neither taken nor refused, as those of machines that are switched off. */
export interface Unanswering {
  close(): Promise<void>;
}

/**
 * A thread that listens with the shortest queue there is and then stands still for ever: what would take connections does
 * not run. Plain JavaScript, for a thread is started from a text or a file, and this way it is in every bundle.
 */
const thread = `
const { parentPort, workerData } = require('node:worker_threads');
const { createServer } = require('node:net');
const { addresses, port, flag } = workerData;
let left = addresses.length;
for (const host of addresses) {
  createServer()
    .on('error', (error) => { throw error; })
    .listen({ host, port, backlog: 1, exclusive: true }, () => {
      left -= 1;
      if (left > 0) return;
      parentPort.postMessage('listening');
      Atomics.wait(flag, 0, 0);
    });
}
`;
/** Linux lets one more into the queue than it is long. */
const queued = 2;

/** Throws FleetError `simulator-failed`. */
export async function startUnanswering(addresses: readonly string[], port: number): Promise<Unanswering> {
  if (addresses.length === 0) return { close: () => Promise.resolve() };
  const fillers: Socket[] = [];
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(thread, { eval: true, workerData: { addresses, port, flag } });
  const close = async (): Promise<void> => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  };
  try {
    await once(worker, 'message');
    // Once its queue is full, the kernel drops what else arrives.
    for (const host of addresses) {
      const filling = Array.from({ length: queued }, () => connect({ host, port }));
      fillers.push(...filling);
      for (const socket of filling) socket.on('error', () => undefined);
      await Promise.all(filling.map((socket) => once(socket, 'connect')));
    }
    return { close };
  } catch (thrown) {
    await close();
    throw new FleetError({
      code: 'simulator-failed',
      stage: 'run',
      message: `the addresses that do not answer: ${messageOf(thrown)}`,
      cause: thrown,
    });
  }
}
