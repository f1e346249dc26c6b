import { after } from 'node:test';

/** Returns a server that is stopped after the running test or suite. Not for hooks: they end before the tests begin. */
export async function stoppedAfter<T extends { stop(): unknown } | { close(): unknown }>(
  starting: T | Promise<T>,
): Promise<T> {
  const server = await starting;
  after(async () => await ('stop' in server ? server.stop() : server.close()));
  return server;
}
