/** The mode `edge` beside a collector that does not answer. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';

import { runEdge } from '../../src/agent-program/edge/edge.ts';
import { readSettings } from '../../src/agent-program/settings.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { listenOn } from '../support/servers/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { assertWithin } from '../support/within.ts';

test('edge goes on while a collector does not answer, and ends at once', { timeout: 60_000 }, async (t) => {
  const place = tempFolder(t);
  const server = createServer((incoming) => incoming.resume());
  const port = await listenOn(server);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const asked = once(server, 'request');
  const file = path.join(place, 'agent.json');
  const content = {
    ...{ client: 'web-1', collector: randomUUID(), state_directory: place },
    publicKey: Buffer.from(generateKeyPair().publicKey).toString('base64url'),
    pushKey: Buffer.alloc(32, 7).toString('base64url'),
    push: { to: `http://127.0.0.1:${port}/` },
    edge: { rules: [{ type: 'memory', limit: '0.1%' }], send: true },
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const settings = readSettings(file);
  assert.ok(settings.edge !== null);
  const ended = new AbortController();
  const queues: (number | null)[] = [];
  const problems: string[] = [];
  const running = runEdge({
    ...{ settings: { ...settings, edge: { ...settings.edge, everyMs: 50 } }, place, send: false, everyMs: null },
    to: null,
    log: { event: () => undefined, problem: (event) => problems.push(event) },
    ready: () => undefined,
    note: ({ queue }) => queues.push(queue),
    signal: ended.signal,
  });
  await asked;
  await until(
    () => queues.includes(3),
    () => queues.join(),
  );
  assert.deepEqual(problems, []);
  const atMs = performance.now();
  ended.abort();
  await running;
  assertWithin(atMs, 5_000);
});
