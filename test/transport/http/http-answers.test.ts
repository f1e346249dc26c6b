/** A client that answers over HTTP: its requests, what its answers mean, and the acknowledgement of its reports. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { after, beforeEach, test } from 'node:test';

import {
  acknowledgePath,
  answerMac,
  encodeAnswerHeader,
  maxPushBytes,
  parsePolledVisit,
  parsePushHeader,
  pushPath,
  requestMac,
  type PolledVisit,
} from '../../../src/report/seal/push.ts';
import { createHttpTransport, type HttpTarget } from '../../../src/transport/http/http.ts';
import type { PolledConnection } from '../../../src/transport/transport.ts';
import { listenOn } from '../../support/servers/free-port.ts';

const key = Buffer.alloc(32, 7);
const visit: PolledVisit = { takesReport: true, timeoutMs: 60_000, after: 'place' };

interface Answer {
  readonly status?: number;
  readonly body?: Buffer;
  /** The key of the answer's MAC. Default: the client's. */
  readonly by?: Buffer;
  readonly hangs?: boolean;
}
const asked: { readonly method: string; readonly url: string; readonly body: Buffer; readonly isSigned: boolean }[] =
  [];
let answers: Readonly<Record<string, Answer>> = {};
beforeEach(() => {
  asked.length = 0;
  answers = {};
});

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method = '', url = '' } = request;
    const path = url.endsWith(pushPath) ? pushPath : acknowledgePath;
    const body = Buffer.concat(chunks);
    const header = parsePushHeader(String(request.headers['fleet-health']));
    const digest = createHash('sha256').update(body).digest('hex');
    const isSigned = header?.client === 'web-1' && header.mac === requestMac(key, header.time, digest, path);
    asked.push({ method, url, body, isSigned });
    const { status = 200, body: said = Buffer.alloc(0), by = key, hangs = false } = answers[path] ?? {};
    if (hangs) return;
    const mac = answerMac(by, header?.mac ?? '', said);
    response.writeHead(status, { 'Fleet-Health': encodeAnswerHeader(mac) }).end(said);
  });
});
const port = await listenOn(server);
after(() => {
  server.close();
  server.closeAllConnections();
});
const origin = `http://127.0.0.1:${port}`;

interface Limits {
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

function connect(target: Partial<HttpTarget> = {}, { connectTimeoutMs = 60_000, signal }: Limits = {}) {
  const transport = createHttpTransport({ client: 'web-1', url: `${origin}/`, key: () => key, ...target });
  const limits = { tcpTimeoutMs: 60_000, connectTimeoutMs, signal: signal ?? new AbortController().signal };
  return transport.connect(limits);
}

/** Polls over a connection. Returns the stream that came, and the channel. */
async function poll(connection: PolledConnection) {
  const { stdin, stdout, stderr, exit } = await connection.poll(visit);
  const chunks = await stdout.toArray();
  return { stdin, exit, stream: Buffer.concat(chunks as Buffer[]).toString(), complaints: await stderr.toArray() };
}

test('a client proves itself by an acknowledgement of nothing; then its visit is asked for and taken', async () => {
  answers = { [pushPath]: { body: Buffer.from('stream') } };
  const connection = await connect();
  const { stdin, exit, stream, complaints } = await poll(connection);
  assert.deepEqual([stream, complaints], ['stream', []]);
  stdin.write('marker ');
  stdin.end('ids');
  assert.deepEqual(await exit, { status: null, signal: null });
  await connection.leave();
  const posts = asked.map(({ method, url, isSigned }) => `${method} ${url} ${isSigned}`);
  assert.deepEqual(posts, [`POST ${acknowledgePath} true`, `POST ${pushPath} true`, `POST ${acknowledgePath} true`]);
  const [proof, request, acknowledged] = asked;
  assert.equal(proof?.body.length, 16);
  assert.deepEqual(parsePolledVisit(request?.body ?? Buffer.alloc(0)), visit);
  assert.equal(acknowledged?.body.length, 16 + 'marker ids'.length);
  assert.equal(acknowledged.body.subarray(16).toString(), 'marker ids');
});

test('no two requests are the same bytes, although they ask the same', async () => {
  const connections = [await connect(), await connect()];
  for (const connection of connections) {
    for (const { stdin, exit } of [await poll(connection), await poll(connection)]) {
      stdin.end('same');
      await exit;
    }
    connection.destroy();
  }
  assert.equal(new Set(asked.map(({ body }) => body.toString('latin1'))).size, asked.length);
});

test('the bytes of a connection are those of its socket, and its login has taken a time', async () => {
  answers = { [pushPath]: { body: Buffer.alloc(5000) } };
  const connection = await connect();
  const before = connection.bytes();
  assert.ok(before.in > 50 && before.out > 50 && before.in < 2000, JSON.stringify(before));
  await poll(connection);
  const { in: received } = connection.bytes();
  assert.ok(received - before.in > 5000 && received < 8000, String(received));
  assert.ok(connection.connectMs > 0);
  connection.destroy();
});

for (const [what, target] of [
  ['is not enrolled', { key: () => null }],
  ['has no URL', { url: null }],
] as const) {
  test(`a client that ${what} is not asked`, async () => {
    await assert.rejects(connect(target), {
      ...{ name: 'FleetError', code: 'spoke-refused', stage: 'login', client: 'web-1' },
      message: 'web-1 is not enrolled: nothing proves who answers at its url',
      advice: 'Put the agent.json there that `fleet-health enroll web-1` prints now, and restart its spoke.',
    });
    assert.equal(asked.length, 0);
  });
}

for (const [status, code, stage, advice] of [
  [
    401,
    'spoke-refused',
    'login',
    /^Put the agent\.json there .* restart its spoke\. The log of the spoke has the reason/,
  ],
  [503, 'connect-failed', 'connect', /^Another visit is under way there; the next one is answered\.$/],
  [404, 'connect-failed', 'connect', /^Check that `fleet-health-agent spoke` answers at the url of this client/],
  [201, 'connect-failed', 'connect', /^Check that `fleet-health-agent spoke` answers/],
] as const) {
  for (const path of [acknowledgePath, pushPath] as const) {
    test(`the answer ${status} to ${path} is ${code}`, async (t) => {
      answers = { [path]: { status } };
      const message = `${origin}${path} answered ${status}`;
      const polled = connect().then(async (connection) => {
        t.after(() => connection.destroy());
        return await poll(connection);
      });
      await assert.rejects(polled, { name: 'FleetError', client: 'web-1', code, stage, message, advice });
    });
  }
}

test('whoever answers without the key is not the client', async () => {
  answers = { [acknowledgePath]: { by: Buffer.alloc(32) } };
  await assert.rejects(connect(), {
    ...{ name: 'FleetError', code: 'spoke-refused', stage: 'login', client: 'web-1' },
    message: `${origin}${acknowledgePath} answered without the key of web-1`,
    advice: 'Something else answers there, or the answer was changed on the way: check the url.',
  });
});

for (const [path, prefix] of [
  ['/', ''],
  ['', ''],
  ['/spoke', '/spoke'],
  ['/spoke/', '/spoke'],
] as const) {
  test(`a client at the path "${path}" is asked below it`, async () => {
    const connection = await connect({ url: `${origin}${path}` });
    connection.destroy();
    assert.equal(asked[0]?.url, `${prefix}${acknowledgePath}`);
  });
}

for (const [what, path, mostBytes] of [
  ['a visit', pushPath, maxPushBytes],
  ['an acknowledgement', acknowledgePath, 1024],
] as const) {
  test(`the answer to ${what} has at most ${mostBytes} bytes`, async (t) => {
    const ask = async (bytes: number): Promise<number> => {
      answers = { [path]: { body: Buffer.alloc(bytes) } };
      const connection = await connect();
      t.after(() => connection.destroy());
      return path === pushPath ? (await poll(connection)).stream.length : bytes;
    };
    assert.equal(await ask(mostBytes), mostBytes);
    // No more is read, so that the MAC is none of it.
    await assert.rejects(ask(mostBytes + 1), { code: 'spoke-refused' });
  });
}

test('a client that does not answer is a failed connection, with what to check', async () => {
  answers = { [acknowledgePath]: { hangs: true } };
  await assert.rejects(connect({}, { connectTimeoutMs: 50 }), {
    ...{ name: 'FleetError', code: 'connect-failed', stage: 'connect', client: 'web-1' },
    message: `${origin}${acknowledgePath} did not answer within 50 ms`,
    advice: 'Check that `fleet-health-agent spoke` runs there, and the url of this client; https needs a proxy there.',
  });
});

test('a port where nothing listens is said with the advice about the spoke, not about sshd', async () => {
  const free = createServer();
  const closed = await listenOn(free);
  free.close();
  await assert.rejects(connect({ url: `http://127.0.0.1:${closed}/` }), {
    ...{ code: 'connect-refused', stage: 'connect', client: 'web-1' },
    advice: /^Check that `fleet-health-agent spoke` runs there/,
  });
});

for (const [path, stage] of [
  [acknowledgePath, 'connect'],
  [pushPath, 'agent'],
] as const) {
  test(`a run that ends during ${path} ends the request at stage ${stage}`, async (t) => {
    const controller = new AbortController();
    answers = { [path]: { hangs: true } };
    const { signal } = controller;
    const ended = connect({}, { signal }).then(async (connection) => {
      t.after(() => connection.destroy());
      return await poll(connection);
    });
    const count = path === pushPath ? 2 : 1;
    const isAsked = async (): Promise<void> => {
      while (asked.length < count) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(new Error('the visit is over'));
    };
    const [rejected] = await Promise.all([assert.rejects(ended, { name: 'FleetError', stage }), isAsked()]);
    assert.equal(rejected, undefined);
  });
}

test('an acknowledgement that is lost is told at the exit, and the connection is left all the same', async () => {
  answers = {};
  const connection = await connect();
  const { stdin, exit } = await poll(connection);
  answers = { [acknowledgePath]: { status: 503 } };
  stdin.end('ids');
  await assert.rejects(exit, { code: 'connect-failed' });
  await connection.leave();
  await assert.rejects(connection.poll(visit), { name: 'FleetError' }, 'the connection is closed');
});

for (const [what, isEarly] of [
  ['before it connects', true],
  ['while it connects', false],
] as const) {
  test(`a run that ends ${what} is the visit's fault, and nobody else's`, async () => {
    const controller = new AbortController();
    const end = (): void => controller.abort(new Error('the run is over'));
    if (isEarly) end();
    const connecting = connect({}, { signal: controller.signal });
    end();
    await assert.rejects(connecting, { code: 'visit-deadline', stage: 'connect', client: 'web-1' });
    // An error that nobody takes would come in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  });
}

test('an acknowledgement of a visit that has ended is not sent, and ends nothing else', async () => {
  const connection = await connect();
  const { stdin, exit } = await poll(connection);
  connection.destroy();
  stdin.end('ids');
  await assert.rejects(exit, { name: 'FleetError', client: 'web-1' });
  await new Promise((resolve) => setImmediate(resolve));
});
