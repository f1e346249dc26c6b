import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import type { LiveEvents } from '../../src/serve/live-events.ts';
import { sendEvents } from '../../src/serve/live-stream.ts';
import { listenOn } from '../support/free-port.ts';
import { until } from '../support/until.ts';

for (const [method, listening] of [
  ['HEAD', 0],
  ['GET', 1],
] as const) {
  test(`who asks for events by ${method} and leaves is told nothing more`, async (t) => {
    let listeners = 0;
    let asked = 0;
    const listen = (): (() => void) => {
      listeners += 1;
      asked += 1;
      return () => (listeners -= 1);
    };
    const events = { signal: new AbortController().signal, listen } as unknown as LiveEvents;
    const server = createServer((request, response) => sendEvents(request, response, events));
    const port = await listenOn(server);
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const gone = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/live`, { method, signal: gone.signal });
    assert.deepEqual([response.status, asked], [200, listening]);
    gone.abort();
    await until(() => listeners === 0, 'somebody listens yet');
  });
}
