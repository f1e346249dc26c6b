import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { plainAnswer } from '../../src/cli/check/plain-answer.ts';
import { post } from '../../src/notify/http/post.ts';
import { boundAnswer } from '../../src/platform/bound-answer.ts';
import { postSigned } from '../../src/platform/signed-post.ts';
import { pushPath } from '../../src/report/seal/push.ts';
import { listenOn } from '../support/servers/free-port.ts';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const hint = 'HTTP/1.1 103 Early Hints\r\n\r\n';

/** Writes a text again and again, as fast as it is read. */
function flood(socket: Socket, text: string): void {
  const chunk = text.repeat(Math.ceil(65_536 / text.length));
  const more = (): void => {
    while (socket.writable && socket.write(chunk)) continue;
    if (socket.writable) socket.once('drain', () => setImmediate(more));
  };
  more();
}

/** Listens for requests, and answers each as `respond` does. Returns the URL. */
async function serverOf(t: TestContext, respond: (socket: Socket) => void): Promise<URL> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).once('data', () => respond(socket));
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new URL(`http://127.0.0.1:${await listenOn(server)}/`);
}

/** Returns the status of the answer, or the message of the error. */
function outcomeOf(url: URL): Promise<unknown> {
  return new Promise((resolve) => {
    const sent = boundAnswer(request(url, { agent: false, signal: AbortSignal.timeout(30_000) }));
    sent.on('error', ({ message }) => resolve(message)).on('close', () => resolve('closed'));
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.end();
  });
}

const { signal } = new AbortController();

function signedPost(url: URL, maxAnswerBytes: number): Promise<unknown> {
  const sender = { client: 'web-1', key: Buffer.alloc(32), body: Buffer.from('body') };
  return postSigned({ url, path: pushPath, ...sender, maxAnswerBytes, agent: false, signal });
}

const informational = 'it sends more than 8 informational answers';
const bytes = 'it sends more bytes than its answer needs';

for (const { what, text, message } of [
  { what: 'early hints', text: hint, message: informational },
  { what: 'that it goes on', text: 'HTTP/1.1 100 Continue\r\n\r\n', message: informational },
  { what: 'that it still works', text: 'HTTP/1.1 102 Processing\r\n\r\n', message: informational },
  {
    what: 'an unknown 1xx with long headers',
    text: `HTTP/1.1 199 X\r\nlink: ${'x'.repeat(8_000)}\r\n\r\n`,
    message: bytes,
  },
  { what: 'empty lines', text: '\r\n', message: bytes },
]) {
  test(`a server that sends ${what} without end is left at once`, async (t) => {
    const url = await serverOf(t, (socket) => flood(socket, text));
    const outcome = await outcomeOf(url);
    assert.ok(outcome === message || outcome === informational, String(outcome));
  });
}

test('a body in chunks of one byte is read to a quarter more than it may have', async (t) => {
  let sent = 0;
  const url = await serverOf(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    flood(socket, '1\r\nx\r\n');
    socket.once('close', () => (sent = socket.bytesWritten));
  });
  await assert.rejects(signedPost(url, 1_000_000), { message: 'aborted' });
  while (sent === 0) await nextTurn();
  // The socket's buffers hold some megabytes more.
  assert.ok(sent < 20_000_000, `${sent}`);
});

test('eight informational answers, and an answer larger than 64 KiB, are no fault', async (t) => {
  const large = `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`;
  for (const text of [answer, hint.repeat(8) + answer, hint.repeat(3) + large]) {
    assert.equal(await outcomeOf(await serverOf(t, (socket) => void socket.write(text))), 200);
  }
});

const asked: Readonly<Record<string, (url: URL) => Promise<unknown>>> = {
  'a client that is polled over HTTP, or a collector that takes pushes': (url) => signedPost(url, 100),
  'the receiver of a webhook': (url) =>
    post(
      { url, ca: null, proxy: null, timeoutMs: 30_000 },
      { headers: {}, body: '{}', signal, onDataBegun: () => Promise.resolve() },
    ),
  'a server that check tries': (url) => plainAnswer(url, signal),
};

for (const [whose, ask] of Object.entries(asked)) {
  test(`${whose} is left after 8 informational answers`, async (t) => {
    const url = await serverOf(t, (socket) => flood(socket, hint));
    await assert.rejects(ask(url), { message: informational });
  });
}
