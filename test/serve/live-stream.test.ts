import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import type { Env } from '../../src/serve/gate.ts';
import { getRequestListener, Hono } from '../../src/serve/hono.ts';
import type { LiveEvents } from '../../src/serve/live-events.ts';
import { liveStream } from '../../src/serve/live-stream.ts';
import { listenOn } from '../support/free-port.ts';
import { until } from '../support/until.ts';

for (const method of ['HEAD', 'GET']) {
  test(`who asks for events by ${method} and leaves is told nothing more`, async (t) => {
    let listeners = 0;
    let asked = 0;
    const listen = (): (() => void) => {
      listeners += 1;
      asked += 1;
      return () => (listeners -= 1);
    };
    const events = { signal: new AbortController().signal, listen } as unknown as LiveEvents;
    const app = new Hono<Env>();
    app.get('/live', (c) => liveStream(c, events));
    const answer = getRequestListener((request, env) => app.fetch(request, env), { overrideGlobalObjects: false });
    const server = createServer((request, response) => void answer(request, response));
    const port = await listenOn(server);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const gone = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/live`, { method, signal: gone.signal });
    assert.deepEqual([response.status, asked], [200, 1]);
    gone.abort();
    await until(() => listeners === 0, 'somebody listens yet');
  });
}
