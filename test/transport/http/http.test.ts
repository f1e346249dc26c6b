/** The transport to a client that is polled over HTTP, when the connection breaks. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import {
  acknowledgePath,
  answerMac,
  encodeAnswerHeader,
  parsePushHeader,
  type PolledVisit,
} from '../../../src/report/seal/push.ts';
import type { Transport } from '../../../src/transport/transport.ts';
import { createHttpTransport } from '../../../src/transport/http/http.ts';
import { listenOn } from '../../support/servers/free-port.ts';

const key = Buffer.alloc(32, 7);
const visit: PolledVisit = { takesReport: true, timeoutMs: 60_000, after: null };

/** Polls a client that knows the key. The client answers the visit itself as `answer` does. Returns the fault. */
async function faultOf(
  t: TestContext,
  answer: (incoming: IncomingMessage, response: ServerResponse) => void,
  asked: PolledVisit = visit,
): Promise<FleetError> {
  const server = createServer((incoming, response) => {
    if (incoming.url !== acknowledgePath) {
      answer(incoming, response);
      return;
    }
    const { mac = '' } = parsePushHeader(String(incoming.headers['fleet-health'])) ?? {};
    const body = Buffer.alloc(0);
    incoming.resume().on('end', () => {
      response.writeHead(200, { 'Fleet-Health': encodeAnswerHeader(answerMac(key, mac, body)) }).end(body);
    });
  });
  const port = await listenOn(server);
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const transport = createHttpTransport({ client: 'web-1', url: `http://127.0.0.1:${port}/`, key: () => key });
  const { signal } = new AbortController();
  const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs: 60_000, signal } as Parameters<typeof transport.connect>[0];
  const connection = await transport.connect(limits);
  t.after(() => connection.destroy());
  const thrown: unknown = await connection.poll(asked).then(
    () => null,
    (fault: unknown) => fault,
  );
  assert.ok(thrown instanceof FleetError, String(thrown));
  return thrown;
}

test('a visit whose connection breaks is no timeout', async (t) => {
  for (const answer of [
    ({ socket }: IncomingMessage) => void socket.resetAndDestroy(),
    ({ socket }: IncomingMessage) => void socket.destroy(),
    ({ socket }: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { 'Content-Length': 1000 }).write('x', () => socket.destroy());
    },
  ]) {
    const { code, stage, message, advice, retryable } = await faultOf(t, answer);
    assert.deepEqual({ code, stage, retryable }, { code: 'connect-failed', stage: 'agent', retryable: true });
    assert.match(message, /\/v1\/visit: the connection broke: (read ECONNRESET|socket hang up|aborted)$/);
    assert.match(advice, /fleet-health-agent spoke/);
  }
});

test('a visit that is not answered in time is a timeout of the agent', async (t) => {
  const { code, stage, message } = await faultOf(t, () => undefined, { ...visit, timeoutMs: 200 });
  assert.deepEqual([code, stage], ['agent-timeout', 'agent']);
  assert.match(message, /\/v1\/visit did not answer within 200 ms$/);
});

test('a URL without a port is that of its scheme', async (t) => {
  const dialled: unknown[] = [];
  t.mock.method(Socket.prototype, 'connect', function connect(this: Socket, [options]: readonly [{ port: number }]) {
    dialled.push(options.port);
    return this.destroy(new Error('no network'));
  });
  for (const url of ['http://192.0.2.1/', 'https://192.0.2.1/', 'https://192.0.2.1:8443/']) {
    const { signal } = new AbortController();
    const limits = { tcpTimeoutMs: 5000, connectTimeoutMs: 5000, signal } as Parameters<Transport['connect']>[0];
    await assert.rejects(createHttpTransport({ client: 'web-1', url, key: () => key }).connect(limits), FleetError);
  }
  assert.deepEqual(dialled, [80, 443, 8443]);
});

test('TLS begins with the name of a URL, and with no address', async (t) => {
  const names = { localhost: true, '127.0.0.1': false, '[::ffff:127.0.0.1]': false };
  const found: Record<string, boolean> = {};
  for (const host of Object.keys(names)) {
    const server = createTcpServer((socket) => {
      socket.once('data', (hello) => {
        found[host] = hello.includes(new URL(`http://${host}`).hostname.replace(/[[\]]/g, ''));
        socket.destroy();
      });
    });
    const port = await listenOn(server);
    t.after(() => server.close());
    const { signal } = new AbortController();
    const limits = { tcpTimeoutMs: 5000, connectTimeoutMs: 5000, signal } as Parameters<Transport['connect']>[0];
    const transport = createHttpTransport({ client: 'web-1', url: `https://${host}:${port}/`, key: () => key });
    await assert.rejects(transport.connect(limits), { code: 'connect-failed' });
  }
  assert.deepEqual(found, names);
});
