import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

import { limitRequest } from '../../../src/platform/request-limits.ts';
import { send } from '../../../src/look/serve/answer.ts';
import { findRoute, targetOf } from '../../../src/look/serve/routes.ts';
import { pushRoutes } from '../../../src/look/serve/endpoints/push-route.ts';

/** Starts an HTTP server with the push endpoint alone, until the end of the test. */
export async function startPushServer(
  t: TestContext,
  options: Omit<Parameters<typeof pushRoutes>[0], 'signal'>,
): Promise<{ readonly server: Server; readonly url: string }> {
  const { signal } = new AbortController();
  const routes = pushRoutes({ ...options, signal });
  const server = createServer((incoming, outgoing) => {
    limitRequest(incoming, outgoing);
    const { path, query } = targetOf(incoming.url ?? '');
    const found = findRoute(routes, path);
    if (found === null) return void outgoing.writeHead(404).end();
    Promise.resolve(found.route.answer({ incoming, outgoing, parts: found.parts, query }))
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
