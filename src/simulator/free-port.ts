import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { FleetError, messageOf } from '../errors.ts';

/** An address of loopback that no server of a fleet has. A listener on a port there reserves the port for a fleet. */
const portHolder = '127.63.0.2';

/** The reserved port of a fleet, held until `close`: two simulators never share a port. */
export interface HeldPort {
  readonly port: number;
  close(): void;
}

/**
 * Reserves the wanted port if it is free, otherwise one of the kernel's choice. Throws FleetError `simulator-failed`.
 */
export async function holdPort(wanted: number | null): Promise<HeldPort> {
  const held = wanted === null ? null : await listen(wanted).catch(() => null);
  try {
    const server = held ?? (await listen(0));
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
  } catch (thrown) {
    throw new FleetError({ code: 'simulator-failed', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ host: portHolder, port, exclusive: true });
  await once(server, 'listening');
  return server;
}
