import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Returns a port that was free a moment ago. Another process may take it before the caller does. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
