import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';

import { pushTransport, type PushTarget, type PushTransport } from '../../src/agent-program/push/push-transports.ts';
import type { FleetError } from '../../src/platform/errors/errors.ts';

const target: PushTarget = { pushKey: Buffer.alloc(32, 7), to: new URL('http://127.0.0.1:1/'), identity: null };

/** Returns the transport to a server that answers with these bytes. */
async function wayTo(t: TestContext, answer: string): Promise<PushTransport> {
  const server = createServer((_request, { socket }) => socket?.end(answer));
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const to = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return pushTransport('web-1', { ...target, to });
}

const answers: readonly (readonly [status: number, answer: string])[] = [
  [101, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  [302, 'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'],
  [500, 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nno\r\n'],
];
for (const [status, answer] of answers) {
  test(`an answer ${status} ends the push, and says so`, { timeout: 60_000 }, async (t) => {
    const way = await wayTo(t, answer);
    const { signal } = new AbortController();
    await assert.rejects(
      way(Buffer.from('body'), signal),
      new RegExp(`^FleetError: http://.*/v1/visit answered ${status}$`),
    );
  });
}

const advised: readonly (readonly [status: number, advice: RegExp])[] = [
  [302, /follows no redirection/],
  [401, /fleet-health enroll CLIENT/],
  [404, /<push\/>/],
  [413, /proxy .* 2 MiB/],
  [500, /log of `fleet-health serve`/],
  [502, /behind the proxy/],
  [503, /later push/],
  [507, /stay here and go with a later push/],
];
for (const [status, advice] of advised) {
  test(`an answer ${status} has its own advice`, { timeout: 60_000 }, async (t) => {
    const way = await wayTo(t, `HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    await assert.rejects(way(Buffer.from('body'), new AbortController().signal), (fault: FleetError) => {
      assert.match(fault.advice, advice);
      return true;
    });
  });
}

test('what has no answer names the URL without its password, and what to do', { timeout: 60_000 }, async (t) => {
  const server = createServer((_request, { socket }) => socket?.end('HTTP/1.1 200 OK\r\n\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const cases: readonly { readonly url: string; readonly message: RegExp; readonly advice: RegExp }[] = [
    {
      url: 'http://ann:secret@127.0.0.1:1/x',
      message: /^http:\/\/127\.0\.0\.1:1\/x: .*ECONNREFUSED/,
      advice: /Nothing listens there/,
    },
    {
      url: 'http://127.0.0.1:1//x/y?a=b',
      message: /^http:\/\/127\.0\.0\.1:1\/\/x\/y: .*ECONNREFUSED/,
      advice: /Nothing listens there/,
    },
    {
      url: 'http://no-such-host.invalid/',
      message: /^http:\/\/no-such-host\.invalid\/v1\/visit: /,
      advice: /name server/,
    },
    { url: `https://127.0.0.1:${port}/`, message: /^https:\/\/127\.0\.0\.1:/, advice: /https or http|certificate/ },
  ];
  for (const { url, message, advice } of cases) {
    const way = pushTransport('web-1', { ...target, to: new URL(url) });
    await assert.rejects(way(Buffer.from('body'), new AbortController().signal), (fault: FleetError) => {
      assert.match(fault.message, message);
      assert.match(fault.advice, advice);
      assert.doesNotMatch(fault.message, /secret/);
      return true;
    });
  }
});

test('an answer without the MAC of the collector is none', { timeout: 60_000 }, async (t) => {
  const way = await wayTo(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await assert.rejects(way(Buffer.from('body'), new AbortController().signal), /is not the collector$/);
});
