import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import type { FleetReader } from '../../../src/look/serve/fleet-reader.ts';
import { LiveEvents } from '../../../src/look/serve/live-events.ts';
import { sendEvents } from '../../../src/look/serve/live-stream.ts';
import { listenOn } from '../../support/servers/free-port.ts';
import { until } from '../../support/until.ts';

for (const [method, listening] of [
  ['HEAD', 0],
  ['GET', 1],
] as const) {
  test(`who asks for events by ${method} and leaves is sent nothing more`, async (t) => {
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

test('twenty streams need no warning of Node, and all end with the server', async (t) => {
  const warnings: Error[] = [];
  const warn = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warn);
  const events = new LiveEvents({ read: () => Promise.resolve([]) } as unknown as FleetReader);
  const server = createServer((request, response) => sendEvents(request, response, events));
  const port = await listenOn(server);
  t.after(() => {
    process.off('warning', warn);
    server.close();
    server.closeAllConnections();
  });
  const streams = await Promise.all(Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${port}/live`)));
  events.close();
  const texts = await Promise.all(streams.map((stream) => stream.text()));
  assert.deepEqual(new Set(texts), new Set([': open\n\nretry: 5000\n\n']));
  assert.deepEqual(warnings, []);
});
