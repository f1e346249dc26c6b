import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

import { messageOf } from '../errors.ts';
import { simulatorFault } from './loopback-listeners.ts';

/** Addresses that neither accept nor refuse connections, like those of machines that are switched off. */
export interface Unanswering {
  close(): Promise<void>;
}

/**
 * The program of a thread that listens with the shortest queue and then blocks for ever, so that nothing accepts
 * connections. Plain JavaScript: a thread starts from a text or a file, and a text is part of every bundle.
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
/** The connections that fill the queue: Linux admits one more than its length. */
const queued = 2;

/** Listens on the addresses and fills their queues. Throws FleetError `simulator-failed`. */
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
    // The kernel drops further connections when the queue is full.
    for (const host of addresses) {
      const filling = Array.from({ length: queued }, () => connect({ host, port }));
      fillers.push(...filling);
      for (const socket of filling) socket.on('error', () => undefined);
      await Promise.all(filling.map((socket) => once(socket, 'connect')));
    }
    return { close };
  } catch (thrown) {
    await close();
    throw simulatorFault(`the addresses that do not answer: ${messageOf(thrown)}`, { cause: thrown });
  }
}
