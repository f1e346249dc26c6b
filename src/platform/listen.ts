import { once } from 'node:events';
import type { Server, ServerOptions } from 'node:http';
import type { ListenOptions } from 'node:net';

import { errnoOf } from './errors/errors.ts';
import { secondMs } from './units.ts';

/** The limits of a server that strangers can reach: slow requests are ended. Node's own limits are minutes. */
export const httpLimits = {
  maxHeaderSize: 16_384,
  headersTimeout: 5 * secondMs,
  requestTimeout: 5 * secondMs,
  keepAliveTimeout: 5 * secondMs,
  connectionsCheckingInterval: secondMs,
} as const satisfies ServerOptions;

/** Starts listening. Resolves once the server listens. Requests other than HTTP get 400. Throws the socket's error. */
export async function startListening(server: Server, where: ListenOptions | { readonly fd: number }): Promise<void> {
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.listen(where);
  await once(server, 'listening');
}

/** True if a socket could not listen because the machine has switched off IPv6, or IPv4. */
export function isFamilyOff(thrown: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(errnoOf(thrown) ?? '');
}
