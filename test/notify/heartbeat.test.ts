import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import { FleetError } from '../../src/platform/errors/errors.ts';
import { sendHeartbeat, sendHeartbeats } from '../../src/notify/heartbeat.ts';
import { faultOf, never } from './support/smtp-config.ts';

const options = { timeoutMs: 60_000, signal: never };

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a URL is asked with GET, its login apart from it', async (t) => {
  const asked: IncomingMessage[] = [];
  const host = await listen(t, (request, response) => {
    asked.push(request);
    response.end('ok');
  });
  await sendHeartbeat(`http://${host}/ping/token?a=b`, options);
  await sendHeartbeat(`http://me:p%40ss@${host}/`, options);
  assert.deepEqual(
    { method: asked[0]?.method, url: asked[0]?.url, authorization: asked[0]?.headers.authorization },
    { method: 'GET', url: '/ping/token?a=b', authorization: undefined },
  );
  assert.equal(asked[1]?.headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

test('what fails is notified with the host alone', async (t) => {
  const failing = await listen(t, (_request, response) => response.writeHead(503).end());
  const circle = await listen(t, (_request, response) => response.writeHead(302, { location: '/token' }).end());
  const broken = await listen(t, (request) => request.socket.destroy());
  for (const [host, words] of [
    [failing, /status 503/],
    [circle, /the request failed/],
    [broken, /UND_ERR_SOCKET|ECONNRESET/],
    ['127.0.0.1:1', /ECONNREFUSED|the request failed/],
    ['nothing.invalid', /ENOTFOUND|EAI_AGAIN/],
  ] as const) {
    const fault = await faultOf(sendHeartbeat(`http://me:secret%zz@${host}/token`, options));
    assert.equal(fault.code, 'mail-unavailable');
    assert.ok(fault.message.includes(host), fault.message);
    assert.match(fault.message, words);
    assert.doesNotMatch(inspect(fault, { depth: 9 }), /token|secret/);
  }
});

test('silence ends by the deadline, and an abort with its reason', async (t) => {
  const host = await listen(t, () => undefined);
  const fault = await faultOf(sendHeartbeat(`http://${host}/token`, { timeoutMs: 200, signal: never }));
  assert.match(fault.message, /no answer within 0\.2 s$/);
  const abort = new AbortController();
  const reason = new FleetError({ code: 'interrupted', stage: 'run', message: 'ended by a test' });
  const asked = faultOf(
    sendHeartbeats([{ url: `http://${host}/token`, proxy: null }], { timeoutMs: 60_000, signal: abort.signal }),
  );
  abort.abort(reason);
  assert.equal(await asked, reason);
});

test('an answer without an end is not waited for', async (t) => {
  const host = await listen(t, (_request, response) => response.write('x'.repeat(100_000)));
  await sendHeartbeat(`http://${host}/`, options);
});

test('each URL is asked whatever becomes of the others', async (t) => {
  let asked = 0;
  const host = await listen(t, (_request, response) => {
    asked += 1;
    response.end();
  });
  const urls = ['http://127.0.0.1:1/', 'no url', `http://${host}/`];
  const faults = await sendHeartbeats(
    urls.map((url) => ({ url, proxy: null })),
    options,
  );
  assert.deepEqual([faults.length, asked], [2, 1]);
});

test('a redirect is followed, and the login goes to no other origin', async (t) => {
  const logins: (string | undefined)[] = [];
  const note = ({ headers }: IncomingMessage): void => void logins.push(headers.authorization);
  const target = await listen(t, (request, response) => {
    note(request);
    response.end();
  });
  const moved = await listen(t, (request, response) => {
    note(request);
    response.writeHead(302, { location: request.url === '/a' ? '/b' : `http://${target}/c` }).end();
  });
  await sendHeartbeat(`http://me:pass@${moved}/a`, options);
  assert.deepEqual(
    logins.map((login) => login !== undefined),
    [true, true, false],
  );
  for (const location of ['http://[', 'file:///etc/passwd', `//${target}:x/`, 'ftp://x/']) {
    const odd = await listen(t, (_request, response) => response.writeHead(302, { location }).end());
    assert.match((await faultOf(sendHeartbeat(`http://${odd}/`, options))).message, /ERR_INVALID|the request failed/);
  }
});

test('a server that sends informational answers without end is left at once', async (t) => {
  const host = await listen(t, (_request, response) => {
    const more = (): void => {
      if (response.socket?.destroyed !== false) return;
      for (let count = 0; count < 100; count += 1) response.writeProcessing();
      setImmediate(more);
    };
    more();
  });
  const fault = await faultOf(sendHeartbeat(`http://${host}/`, { timeoutMs: 60_000, signal: never }));
  assert.match(fault.message, /the request failed/);
});
