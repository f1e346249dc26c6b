import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { TestContext } from 'node:test';

/** Starts a server on a free port of loopback and returns the port. The server ends after the test. */
export async function listening(server: Server, t: Pick<TestContext, 'after'>): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
