import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

import { limitRequest } from '../../src/platform/request-limits.ts';
import { send } from '../../src/serve/answer.ts';
import { pushRoute } from '../../src/serve/endpoints/push-route.ts';

/** Starts an HTTP server with the push endpoint alone, until the end of the test. */
export async function startPushServer(
  t: TestContext,
  options: Omit<Parameters<typeof pushRoute>[0], 'signal'>,
): Promise<{ readonly server: Server; readonly url: string }> {
  const { signal } = new AbortController();
  const route = pushRoute({ ...options, signal });
  const server = createServer((incoming, outgoing) => {
    limitRequest(incoming, outgoing);
    Promise.resolve(route.answer({ incoming, outgoing, parts: {}, query: new URLSearchParams() }))
      .then((answer) => answer && send(answer, { incoming, outgoing, isPacked: false }))
      .catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
